#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs two Runtimes on two threads, and one with another thread that calls what it may call, under
# the thread sanitizer: scripts/thread_sanitizer.sh [ROUNDS]
#
# It is built in build/thread first, which takes minutes. The last lines are those of
# tests/host/two_runtimes.cpp; what the sanitizer finds comes before them, and ends the run with 66.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[[ -e build/thread/build.ninja ]] ||
  meson setup build/thread -Doptimization=1 -Ddebug=true -Dcpp_args=-g1 -Dc_args=-g1 \
    -Db_sanitize=thread -Db_lundef=false
ninja -C build/thread tests/two_runtimes
exec build/thread/tests/two_runtimes "${1:-20}"
