// SPDX-License-Identifier: Apache-2.0
// A socket on which a program that embeds weft answers weft ps, top, kill, dump, trace and stats.
#pragma once

#include "control/control_server.h"
