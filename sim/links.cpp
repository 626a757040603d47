// SPDX-License-Identifier: Apache-2.0
#include "sim/links.h"

#include <algorithm>
#include <cstring>

#include "sim/explore/dependence.h"

namespace weft::sim {

using wasip1::Errno;

// ---- Pipe ----

std::size_t Pipe::room() const {
  return link_.spec().buffer - std::min(bytes_, link_.spec().buffer);
}

void Pipe::send(std::string bytes, End end) {
  const LinkSpec& spec = link_.spec();
  Director& director = link_.network().director();
  if (link_.network().stopped()) return;
  if (spec.datagrams && (link_.down() || director.link_loses(spec.lose_one_in))) return;
  if (spec.datagrams && bytes_ + bytes.size() > spec.buffer) return;  // No room on the way.
  const Instant now = link_.network().scheduler().now();
  if (spec.bandwidth > 0) {
    const auto ns = static_cast<std::int64_t>(static_cast<double>(bytes.size()) * 1e9 /
                                              static_cast<double>(spec.bandwidth));
    free_at_ = std::max(free_at_, now) + nanoseconds(ns);
  }
  Instant at = std::max(free_at_, now) + spec.delay + director.link_delay(spec.jitter);
  if (!spec.datagrams && !underway_.empty()) at = std::max(at, underway_.back().at);
  bytes_ += bytes.size();
  const auto place = std::upper_bound(underway_.begin(), underway_.end(), at,
                                      [](Instant t, const Packet& p) { return t < p.at; });
  underway_.insert(place, {at, std::move(bytes), end});
  arm();
}

void Pipe::arm() {
  if (link_.down() || underway_.empty()) return;
  Scheduler& scheduler = link_.network().scheduler();
  (void)scheduler.cancel(*this);
  scheduler.arm(*this, underway_.front().at);
}

void Pipe::cancel() {
  if (armed()) (void)link_.network().scheduler().cancel(*this);
}

void Pipe::arrive(Timer& timer) {
  auto& self = static_cast<Pipe&>(timer);
  const Instant now = self.link_.network().scheduler().now();
  while (!self.underway_.empty() && self.underway_.front().at <= now) {
    Packet packet = std::move(self.underway_.front());
    self.underway_.pop_front();
    if (!self.link_.plugged(self.to_side_)) {
      self.bytes_ -= packet.bytes.size();
    } else {
      self.arrived_.push_back(std::move(packet));
    }
  }
  self.link_.wake(self.to_side_, Direction::read);
  self.link_.wake(self.to_side_, Direction::write);  // It may have become EPIPE.
  self.arm();
}

void Pipe::link_changed(bool down) {
  const LinkSpec& spec = link_.spec();
  if (down) {
    cancel();
    if (!spec.datagrams) return;
    for (const Packet& packet : underway_) bytes_ -= packet.bytes.size();
    underway_.clear();
    free_at_ = {};
    return;
  }
  const Instant first = link_.network().scheduler().now() + spec.delay;
  for (Packet& packet : underway_) packet.at = std::max(packet.at, first);
  arm();
}

void Pipe::clear() {
  cancel();
  underway_.clear();
  arrived_.clear();
  bytes_ = 0;
  free_at_ = {};
}

std::size_t Pipe::readable() const {
  std::size_t bytes = 0;
  for (const Packet& packet : arrived_) {
    if (packet.end != End::none) break;
    bytes += packet.bytes.size();
  }
  return bytes;
}

// ---- Link ----

Link::Link(Network& network, const LinkSpec& spec)
    : network_(network), spec_(spec), to_first_(*this, 0), to_second_(*this, 1) {}

std::shared_ptr<LinkEnd> Link::plug_in(int side) {
  if (const LinkEnd* before = ends_.at(side)) unplug(*before);
  if (started_[side]) {
    ++connection_;
    if (spec_.datagrams) {
      to(side).arrived().clear();
    } else {
      to(side).clear();
      if (!plugged(1 - side)) to(side).end_at_once();
    }
  }
  started_[side] = true;
  auto end = std::make_shared<LinkEnd>(*this, side, connection_);
  ends_.at(side) = end.get();
  return end;
}

void Link::unplug(const LinkEnd& end) {
  const int side = end.side();
  if (ends_.at(side) != &end) return;
  ends_.at(side) = nullptr;
  if (network_.stopped()) return;
  if (spec_.datagrams) {
    to(side).arrived().clear();
    return;
  }
  to(side).clear();
  wake(1 - side, Direction::write);
  to(1 - side).send({}, Pipe::End::gone);
}

void Link::set_cut(bool cut) {
  const bool was_down = down();
  cut_ = cut;
  changed(was_down);
}

void Link::set_parted(bool parted) {
  const bool was_down = down();
  parted_ = parted;
  changed(was_down);
}

void Link::changed(bool was_down) {
  if (was_down == down()) return;
  to_first_.link_changed(down());
  to_second_.link_changed(down());
}

void Link::wake(int side, Direction direction) {
  if (LinkEnd* end = ends_.at(side)) end->notify(direction);
}

// ---- LinkEnd ----

unsigned LinkEnd::object() const {
  return static_cast<unsigned>(
      std::min<std::size_t>(kLinks + link_.network().number_of(link_.spec()), 63));
}

// Is the end of the stream, of this kind, the next thing to be read?
bool LinkEnd::ended(Pipe::End how) const {
  const auto& arrived = link_.to(side_).arrived();
  return !arrived.empty() && arrived.front().end == how;
}

// What is written goes nowhere, and its writer does not know that yet.
bool LinkEnd::is_dropped() const {
  return !link_.plugged(1 - side_) ||
         (!link_.spec().datagrams && connection_ != link_.connection());
}

Errno LinkEnd::read(std::span<const iovec> buffers, std::size_t& n) {
  return link_.spec().datagrams ? read_datagram(buffers, n, true) : read_stream(buffers, n, true);
}

Errno LinkEnd::peek(std::span<const iovec> buffers, std::size_t& n) {
  return link_.spec().datagrams ? read_datagram(buffers, n, false) : read_stream(buffers, n, false);
}

Errno LinkEnd::read_datagram(std::span<const iovec> buffers, std::size_t& n, bool take) {
  n = 0;
  if (reading_shut_) return Errno::success;
  auto& arrived = in().arrived();
  if (arrived.empty()) return Errno::again;
  std::string_view rest = arrived.front().bytes;
  for (const iovec& buffer : buffers) {
    const std::size_t size = std::min(buffer.iov_len, rest.size());
    if (size > 0) std::memcpy(buffer.iov_base, rest.data(), size);
    rest.remove_prefix(size);
    n += size;
  }
  if (!take) return Errno::success;
  in().consumed(arrived.front().bytes.size());
  arrived.pop_front();
  return Errno::success;
}

Errno LinkEnd::read_stream(std::span<const iovec> buffers, std::size_t& n, bool take) {
  n = 0;
  auto& arrived = in().arrived();
  if (reading_shut_ || ended(Pipe::End::shut)) return Errno::success;
  if (ended(Pipe::End::gone)) {
    // Told once; then this is a new stream, if there is somebody at the other end again.
    if (take && connection_ != link_.connection() && link_.plugged(1 - side_)) {
      arrived.pop_front();
      connection_ = link_.connection();
      writing_shut_ = false;
    }
    return Errno::success;
  }
  std::size_t left = in().readable();
  if (left == 0) return Errno::again;
  if (take && left > 1 && link_.network().director().link_shortens(link_.spec().shorten_one_in)) {
    left = (left + 1) / 2;
  }
  std::size_t packet = 0;
  std::size_t used = 0;  // Of that packet.
  for (const iovec& buffer : buffers) {
    std::size_t filled = 0;
    while (filled < buffer.iov_len && left > 0) {
      const std::string& bytes = arrived[packet].bytes;
      const std::size_t size = std::min({buffer.iov_len - filled, left, bytes.size() - used});
      std::memcpy(static_cast<char*>(buffer.iov_base) + filled, bytes.data() + used, size);
      filled += size;
      left -= size;
      n += size;
      used += size;
      if (used == bytes.size()) ++packet, used = 0;
    }
  }
  if (!take) return Errno::success;
  in().consumed(n);
  arrived.erase(arrived.begin(), arrived.begin() + static_cast<std::ptrdiff_t>(packet));
  if (used > 0) arrived.front().bytes.erase(0, used);
  link_.wake(1 - side_, Direction::write);
  return Errno::success;
}

Errno LinkEnd::write(std::span<const iovec> buffers, std::size_t& n) {
  n = 0;
  if (writing_shut_ || ended(Pipe::End::gone)) return Errno::pipe;
  const bool stream = !link_.spec().datagrams;
  std::size_t total = 0;
  for (const iovec& buffer : buffers) total += buffer.iov_len;
  if (!stream && total > link_.spec().buffer) return Errno::msgsize;
  if (is_dropped()) {
    n = total;
    return Errno::success;
  }
  std::size_t left = total;
  if (stream) {
    left = std::min(total, out().room());
    if (left == 0) return Errno::again;
    if (left > 1 && link_.network().director().link_shortens(link_.spec().shorten_one_in)) {
      left = (left + 1) / 2;
    }
  }
  n = left;
  std::string bytes;
  bytes.reserve(left);
  for (const iovec& buffer : buffers) {
    const std::size_t size = std::min(buffer.iov_len, left);
    bytes.append(static_cast<const char*>(buffer.iov_base), size);
    left -= size;
  }
  out().send(std::move(bytes));
  return Errno::success;
}

Errno LinkEnd::shutdown(bool reading, bool writing) {
  if (reading) reading_shut_ = true;
  if (writing && !writing_shut_) {
    writing_shut_ = true;
    if (!link_.spec().datagrams && !is_dropped()) out().send({}, Pipe::End::shut);
  }
  notify(Direction::read);
  notify(Direction::write);
  return Errno::success;
}

wasip1::Device::State LinkEnd::state(Direction direction) {
  const bool gone = ended(Pipe::End::gone);
  if (direction == Direction::write) {
    const bool ready =
        link_.spec().datagrams || writing_shut_ || gone || is_dropped() || out().room() > 0;
    return {.ready = ready, .hangup = gone, .bytes = 0};
  }
  const bool hangup = gone || ended(Pipe::End::shut);
  State state{.ready = reading_shut_ || !in().arrived().empty(), .hangup = hangup, .bytes = 0};
  state.bytes = link_.spec().datagrams && !in().arrived().empty()
                    ? in().arrived().front().bytes.size()
                    : in().readable();
  return state;
}

// ---- Network ----

Network::Network(const WorldSpec& spec, Director& director) : spec_(spec), director_(director) {
  for (const LinkSpec& link : spec.links) links_.emplace_back(*this, link);
}

Network::~Network() {
  WEFT_CHECK(stopped(), "a network died that was not stopped");
}

std::vector<wasip1::DeviceFile> Network::plug_in(std::size_t guest) {
  std::vector<wasip1::DeviceFile> ends;
  for (Link& link : links_) {
    for (int side = 0; side < 2; ++side) {
      if (link.spec().ends[side] != guest) continue;
      const auto type =
          link.spec().datagrams ? wasip1::FileType::socket_dgram : wasip1::FileType::socket_stream;
      ends.push_back({link.plug_in(side), type});
    }
  }
  return ends;
}

void Network::start(Scheduler& scheduler, std::function<void(const WorldEvent&)> on_guest_event) {
  scheduler_ = &scheduler;
  on_guest_event_ = std::move(on_guest_event);
  for (const WorldEvent& event : spec_.events) {
    if (event.kind == WorldEvent::Kind::restart) ++restarts_left_;
    scheduler.arm(planned_.emplace_back(*this, event), scheduler.now() + event.at);
  }
}

void Network::stop() {
  if (stopped()) return;
  for (Planned& planned : planned_) (void)scheduler_->cancel(planned);
  for (Link& link : links_) {
    link.to(0).cancel();
    link.to(1).cancel();
  }
  scheduler_ = nullptr;
}

void Network::happens(Timer& timer) {
  auto& planned = static_cast<Planned&>(timer);
  planned.network.perform(planned.event);
}

void Network::perform(const WorldEvent& event) {
  Event told{.at = director_.now(), .g = 0, .kind = Event::Kind::world};
  told.what = name(event.kind);
  told.value = event.guest;
  told.detail = event.other;
  director_.log().add(told);
  for (Link& link : links_) {
    const auto& [a, b] = link.spec().ends;
    const bool is_it =
        (a == event.guest && b == event.other) || (b == event.guest && a == event.other);
    switch (event.kind) {
      case WorldEvent::Kind::partition:
        link.set_parted(event.groups[a] != event.groups[b]);
        break;
      case WorldEvent::Kind::heal:
        link.set_parted(false);
        break;
      case WorldEvent::Kind::cut:
      case WorldEvent::Kind::mend:
        if (is_it) link.set_cut(event.kind == WorldEvent::Kind::cut);
        break;
      case WorldEvent::Kind::kill:
      case WorldEvent::Kind::restart:
        break;
    }
  }
  if (event.kind == WorldEvent::Kind::restart) --restarts_left_;
  if (event.kind == WorldEvent::Kind::kill || event.kind == WorldEvent::Kind::restart) {
    on_guest_event_(event);
  }
}

}  // namespace weft::sim
