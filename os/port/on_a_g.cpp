// SPDX-License-Identifier: Apache-2.0
#include "os/port/on_a_g.h"

#include <exception>

#include "base/unwinding.h"
#include "os/port/failure.h"
#include "os/port/locks.h"

namespace weft::port {

void on_a_g(Port& port, const std::function<void()>& f) {
  if (place(port) == Place::g) return f();
  struct Errand {
    const std::function<void()>& f;
    std::exception_ptr failure;
    note done;
    bool finished = false;
  } errand{f, nullptr, {}, false};
  Result<G*> spawned = port.scheduler().spawn([&errand] {
    try {
      errand.f();
    } catch (const Killed&) {
      throw;
    } catch (...) {
      errand.failure = std::current_exception();
    }
    errand.finished = true;
    wake_note(errand.done);
  });
  if (!spawned) throw Throw(spawned.error().message);
#if WEFT_UNWINDS
  // When this thread is killed while it waits, the G must not touch its frame again.
  struct CallOff {
    Scheduler& scheduler;
    G& g;
    const Errand& errand;
    ~CallOff() {
      if (!errand.finished) scheduler.kill(g);
    }
  } call_off{port.scheduler(), **spawned, errand};
#endif
  (void)sleep_on_note(errand.done, "host call", -1);
  if (errand.failure != nullptr) std::rethrow_exception(errand.failure);
}

}  // namespace weft::port
