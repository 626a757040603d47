// SPDX-License-Identifier: Apache-2.0
// What a trace tells of Ms: of Gs, calls and timers the end-to-end claims look at whole traces.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "sim/trace/live_trace.h"
#include "sim/trace/trace_file.h"
#include "tests/unit/world.h"

using namespace weft;

namespace {

// The trace of a G that puts its M to sleep for a millisecond, while another G runs on a second M.
std::string trace_of_two_ms(const std::string& ending) {
  char path[] = "/tmp/weft-trace-XXXXXX";
  const int fd = ::mkstemp(path);
  REQUIRE(fd >= 0);
  ::close(fd);
  const std::string name = path + ending;
  auto file = sim::TraceFile::open(name);
  REQUIRE(file.ok());
  (*file)->begin();
  {
    test::World w;
    sim::LiveTrace live(w.clock, **file, true, {});
    w.scheduler.set_event_sink(&live);
    w.go("sleeper", [&] {
      w.scheduler.sleep_m("usleep_no_g", w.scheduler.now() + milliseconds(1));
      w.say("slept");
    });
    w.go("other", [&] { w.say("other"); });
    CHECK(w.run() == "other slept");
    w.scheduler.set_event_sink(nullptr);
  }
  CHECK((*file)->close("passed").ok());
  std::ifstream in(name);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  ::unlink(name.c_str());
  ::unlink(path);
  return text;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a trace tells when an M goes to sleep, why, and when it has the thread again") {
  const std::string csv = trace_of_two_ms(".csv");
  CAPTURE(csv);
  CHECK(has(csv, "\n0,0,\"M0\",m,running,sleeping,\"usleep_no_g\",0,0\n"));
  CHECK(has(csv, "\n0,1,\"M1\",m,runnable,running,\"\",0,0\n"));
  CHECK(has(csv, "\n1000000,0,\"M0\",m,sleeping,runnable,\"\",0,0\n"));
}

TEST_CASE("in a JSON trace each M has a lane, in a process beside that of the Gs") {
  const std::string json = trace_of_two_ms(".json");
  CAPTURE(json);
  CHECK(has(json,
            R"({"ph":"M","pid":2,"tid":0,"ts":0.000,"name":"thread_name","args":{"name":"M0"}})"));
  CHECK(
      has(json, R"({"ph":"B","pid":2,"tid":0,"ts":0.000,"cat":"sleeping","name":"usleep_no_g"})"));
  CHECK(has(json, R"({"ph":"E","pid":2,"tid":0,"ts":1000.000})"));
}
