// SPDX-License-Identifier: Apache-2.0
// poll_oneoff as a real wasm host does it: the whole thread waits. For a strict port only; an
// emulated one parks the G.
#pragma once

#include <span>

#include "os/port/port.h"
#include "os/port/types.h"

namespace weft::port {

// out has room for as many events as there are subscriptions.
errno_ host_poll_oneoff(Port& port, std::span<const subscription> in, std::span<event> out,
                        size& nevents);

}  // namespace weft::port
