// SPDX-License-Identifier: Apache-2.0
#include "tools/guest_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <unordered_map>

#include "base/printable.h"
#include "control/json.h"

namespace weft::tools {
namespace {

namespace json = boost::json;

constexpr std::size_t kHeadLines = 3;

// "850ns", "12us", "3.4ms", "7.0s", "5m": four or five characters.
std::string time_in_words(std::uint64_t ns) {
  const auto of = [ns](double unit) { return static_cast<double>(ns) / unit; };
  if (ns == 0) return "-";
  if (ns < 1'000) return fmt::format("{}ns", ns);
  if (ns < 1'000'000) return fmt::format("{:.0f}us", of(1e3));
  if (ns < 1'000'000'000) return fmt::format("{:.1f}ms", of(1e6));
  if (ns < 600'000'000'000) return fmt::format("{:.1f}s", of(1e9));
  return fmt::format("{:.0f}m", of(60e9));
}

std::string bytes_in_words(std::uint64_t bytes) {
  if (bytes < std::uint64_t{10} << 20) return fmt::format("{}K", bytes >> 10);
  return fmt::format("{}M", bytes >> 20);
}

// "15 (3 run)"; "15+ (3 run)": at least; "-" where none are known.
std::string goroutines_in_words(const GuestRow& row) {
  const std::uint64_t all = row.goroutines_ready + row.goroutines_waiting;
  const char* const more = row.goroutines_whole ? "" : "+";
  return all == 0 ? "-" : fmt::format("{}{} ({} run)", all, more, row.goroutines_ready);
}

GuestRow read_row(const json::value& value, std::string& wrong) {
  static const json::object none;
  const control::JsonFields fields(value.is_object() ? value.get_object() : none, wrong);
  GuestRow row;
  row.number = fields.number("guest");
  row.name = fields.text("name");
  row.engine = fields.text("engine");
  row.state = fields.text("state");
  row.alive = fields.flag("alive");
  if (fields.has("waiting_ns")) row.waiting_ns = fields.number("waiting_ns");
  row.on_cpu_ns = fields.number("on_cpu_ns");
  row.switches = fields.number("switches");
  row.wait_p50_ns = fields.number("wait_p50_ns");
  row.wait_p99_ns = fields.number("wait_p99_ns");
  row.memory_bytes = fields.number("memory_bytes");
  row.descriptors = fields.number("descriptors");
  if (fields.has("goroutines")) {
    const control::JsonFields counts(fields.object("goroutines"), wrong);
    row.goroutines_ready = counts.number("running") + counts.number("runnable");
    row.goroutines_waiting = counts.number("waiting");
    row.goroutines_whole = !counts.has("whole") || counts.flag("whole");
  }
  return row;
}

}  // namespace

Result<GuestSample> read_sample(const json::object& answer) {
  std::string wrong;
  const control::JsonFields fields(answer, wrong);
  GuestSample sample;
  sample.now_ns = fields.number("now_ns");
  sample.since_start_ns = fields.number("since_start_ns");
  sample.switches = fields.number("switches");
  sample.runnable = fields.number("runnable");
  for (const json::value& value : fields.array("guests")) {
    sample.guests.push_back(read_row(value, wrong));
  }
  if (!wrong.empty()) return Error{"the answer can't be read: " + wrong};
  return sample;
}

std::string ps_heading() {
  return fmt::format("{:>8}  {:>5}  {:<20}  {:<6}  {:<18}  {:>7}  {:>8}  {:>3}\n", "PID", "GUEST",
                     "NAME", "ENGINE", "STATE", "FOR", "MEMORY", "FDS");
}

std::string ps_lines(std::uint64_t pid, const GuestSample& sample) {
  std::string text;
  for (const GuestRow& row : sample.guests) {
    text += fmt::format("{:>8}  {:>5}  {:<20.20}  {:<6}  {:<18.18}  {:>7}  {:>8}  {:>3}\n", pid,
                        row.number, printable(row.name), row.engine, printable(row.state),
                        time_in_words(row.waiting_ns), bytes_in_words(row.memory_bytes),
                        row.descriptors);
  }
  return text;
}

std::string top_screen(std::uint64_t pid, const std::string& program, const GuestSample& before,
                       const GuestSample& now, std::size_t lines) {
  std::unordered_map<std::uint64_t, std::uint64_t> cpu_before;
  for (const GuestRow& row : before.guests) cpu_before[row.number] = row.on_cpu_ns;
  const double span = static_cast<double>(std::max<std::uint64_t>(now.now_ns - before.now_ns, 1));
  std::vector<std::pair<double, const GuestRow*>> rows;
  std::size_t alive = 0;
  for (const GuestRow& row : now.guests) {
    const std::uint64_t used = row.on_cpu_ns - std::min(row.on_cpu_ns, cpu_before[row.number]);
    rows.emplace_back(100 * static_cast<double>(used) / span, &row);
    if (row.alive) ++alive;
  }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return std::pair(b.second->alive, b.first) < std::pair(a.second->alive, a.first);
  });
  std::string text =
      fmt::format("weft {}  {}  up {}  {} guests, {} alive  {} runnable  {:.0f} switches/s\n\n",
                  pid, printable(program.substr(program.find_last_of('/') + 1)),
                  time_in_words(now.since_start_ns), now.guests.size(), alive, now.runnable,
                  static_cast<double>(now.switches - before.switches) * 1e9 / span);
  text += fmt::format("{:>5}  {:<16}  {:<6}  {:<12}  {:>5} {:>6} {:>6} {:>8} {:>7} {:>3}  {}\n",
                      "GUEST", "NAME", "ENGINE", "STATE", "CPU%", "P50", "P99", "SWITCHES",
                      "MEMORY", "FDS", "GOROUTINES");
  std::size_t left = lines == 0 ? rows.size() : lines - std::min(lines, kHeadLines);
  for (const auto& [cpu, row] : rows) {
    if (left-- == 0) break;
    text += fmt::format(
        "{:>5}  {:<16.16}  {:<6}  {:<12.12}  {:>5.1f} {:>6} {:>6} {:>8} {:>7} {:>3}  {}\n",
        row->number, printable(row->name), row->engine, printable(row->state), cpu,
        time_in_words(row->wait_p50_ns), time_in_words(row->wait_p99_ns), row->switches,
        bytes_in_words(row->memory_bytes), row->descriptors, goroutines_in_words(*row));
  }
  return text;
}

}  // namespace weft::tools
