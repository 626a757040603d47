// SPDX-License-Identifier: Apache-2.0
// Links: sockets between the guests of a simulated world, made of memory and virtual time.
//
//   fd_write ─▶ LinkEnd ─▶ Pipe: underway ── its time has come ──▶ arrived ─▶ LinkEnd ─▶ fd_read
//                              │  delay, jitter, bandwidth, loss:      │
//                              │  decisions of the Director            └ wakes the reader
//                              └ while the link is down: held back (stream) or lost (datagrams)
//
// A Link has two ends and a Pipe in each direction. The Network has all links and does what is
// planned for them. A guest that starts is plugged in: it gets an end of each of its links. When
// its last descriptor of an end goes, by close, exit or kill, that end is unplugged. A stream then
// behaves as TCP does: the other end reads the bytes that were underway, then the end, and gets
// EPIPE for what it writes afterwards. When the guest starts again, the other end's descriptor
// becomes a new stream as soon as it has read the end of the old one (LinkEnd::connection_).
//
// Nothing here blocks, and all of it runs on the scheduler's thread: LinkEnds on the guests' Gs,
// arrivals and planned events as timers.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "os/wasip1/device.h"
#include "os/wasip1/process.h"
#include "scheduler/scheduler.h"
#include "sim/director.h"
#include "sim/world_spec.h"

namespace weft::sim {

class Link;
class LinkEnd;
class Network;

// One direction of a link. It belongs to its Link, whose state says what happens to bytes.
class Pipe : public Timer {
 public:
  Pipe(Link& link, int to_side) : Timer(&Pipe::arrive), link_(link), to_side_(to_side) {}

  // Whether the stream ends behind a packet, and how.
  enum class End : std::uint8_t { none, shut, gone };  // gone: the other end is unplugged.
  struct Packet {
    Instant at;
    std::string bytes;
    End end = End::none;
  };

  [[nodiscard]] std::size_t room() const;
  void send(std::string bytes, End end = End::none);
  // The end of a stream that never had another end.
  void end_at_once() { arrived_.push_back({Instant{}, {}, End::gone}); }
  // The link has gone down, or come up again.
  void link_changed(bool down);
  // What is underway and what has arrived is lost.
  void clear();
  // What has arrived and is not read.
  [[nodiscard]] std::deque<Packet>& arrived() { return arrived_; }
  void consumed(std::size_t bytes) { bytes_ -= bytes; }
  [[nodiscard]] std::size_t readable() const;
  void cancel();

 private:
  static void arrive(Timer& timer);
  void arm();

  Link& link_;
  const int to_side_;
  std::deque<Packet> underway_;  // Ascending.
  std::deque<Packet> arrived_;
  std::size_t bytes_ = 0;  // In both.
  Instant free_at_;        // When the bytes before have left, at the link's bandwidth.
};

class Link {
 public:
  Link(Network& network, const LinkSpec& spec);

  // An end for a guest that starts on this side.
  std::shared_ptr<LinkEnd> plug_in(int side);
  // The end is gone; does nothing when another one has taken its place.
  void unplug(const LinkEnd& end);
  // For one of two reasons that add up.
  void set_cut(bool cut);
  void set_parted(bool parted);

  [[nodiscard]] const LinkSpec& spec() const { return spec_; }
  [[nodiscard]] bool down() const { return cut_ || parted_; }
  [[nodiscard]] bool plugged(int side) const { return ends_.at(side) != nullptr; }
  [[nodiscard]] std::uint64_t connection() const { return connection_; }
  // What goes to this side.
  [[nodiscard]] Pipe& to(int side) { return side == 0 ? to_first_ : to_second_; }
  void wake(int side, Direction direction);
  [[nodiscard]] Network& network() { return network_; }

 private:
  void changed(bool was_down);

  Network& network_;
  const LinkSpec& spec_;
  Pipe to_first_;
  Pipe to_second_;
  std::array<LinkEnd*, 2> ends_{};
  bool started_[2] = {false, false};
  std::uint64_t connection_ = 0;
  bool cut_ = false;
  bool parted_ = false;
};

// What a guest has: a Device.
class LinkEnd final : public wasip1::Device {
 public:
  LinkEnd(Link& link, int side, std::uint64_t connection)
      : link_(link), side_(side), connection_(connection) {}
  ~LinkEnd() override { link_.unplug(*this); }  // It may never have become a descriptor.
  LinkEnd(const LinkEnd&) = delete;
  LinkEnd& operator=(const LinkEnd&) = delete;
  wasip1::Errno read(std::span<const iovec> buffers, std::size_t& n) override;
  wasip1::Errno write(std::span<const iovec> buffers, std::size_t& n) override;
  wasip1::Errno peek(std::span<const iovec> buffers, std::size_t& n) override;
  wasip1::Errno shutdown(bool reading, bool writing) override;
  State state(Direction direction) override;
  void closed() override { link_.unplug(*this); }

  void notify(Direction direction) { wake(direction); }
  [[nodiscard]] int side() const { return side_; }
  [[nodiscard]] unsigned object() const;

 private:
  [[nodiscard]] Pipe& in() { return link_.to(side_); }
  [[nodiscard]] Pipe& out() { return link_.to(1 - side_); }
  [[nodiscard]] bool ended(Pipe::End how) const;
  [[nodiscard]] bool is_dropped() const;
  wasip1::Errno read_stream(std::span<const iovec> buffers, std::size_t& n, bool take);
  wasip1::Errno read_datagram(std::span<const iovec> buffers, std::size_t& n, bool take);

  Link& link_;
  const int side_;
  std::uint64_t connection_;  // Which of the link's, one after the other, this end is in.
  bool reading_shut_ = false;
  bool writing_shut_ = false;
};

class Network {
 public:
  // The spec and the Director must outlive it; stop() must come before the scheduler's end.
  Network(const WorldSpec& spec, Director& director);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network();

  // The ends of a guest that is about to start, in the order of the spec's links.
  std::vector<wasip1::DeviceFile> plug_in(std::size_t guest);

  // Plans the events; kills and restarts are for the callback. The scheduler must outlive stop().
  void start(Scheduler& scheduler, std::function<void(const WorldEvent&)> on_guest_event);
  // No link does anything from here on.
  void stop();

  [[nodiscard]] bool stopped() const { return scheduler_ == nullptr; }
  [[nodiscard]] Scheduler& scheduler() { return *scheduler_; }
  [[nodiscard]] Director& director() { return director_; }
  [[nodiscard]] std::size_t restarts_left() const { return restarts_left_; }
  [[nodiscard]] std::size_t number_of(const LinkSpec& link) const {
    return static_cast<std::size_t>(&link - spec_.links.data());
  }

 private:
  // An event that waits for its time.
  struct Planned : Timer {
    Planned(Network& its_network, const WorldEvent& its_event)
        : Timer(&Network::happens), network(its_network), event(its_event) {}
    Network& network;
    const WorldEvent& event;
  };
  static void happens(Timer& timer);
  void perform(const WorldEvent& event);

  const WorldSpec& spec_;
  Director& director_;
  Scheduler* scheduler_ = nullptr;
  std::deque<Link> links_;
  std::deque<Planned> planned_;
  std::function<void(const WorldEvent&)> on_guest_event_;
  std::size_t restarts_left_ = 0;
};

}  // namespace weft::sim
