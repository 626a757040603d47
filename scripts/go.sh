#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the path of a Go toolchain that can build WASI guests (1.21 or newer), or fails silently.
#
# The one on PATH comes first. sudo and cron hide /usr/local/go from PATH, and Debian keeps old and
# new Go side by side under /usr/lib, so those are looked at next. WEFT_GO overrides everything.
set -u

readonly minor_min=21

is_new_enough() {
  local version
  # Its own answer: what it is, not what the user's settings would make of it.
  version=$(env -i GOTOOLCHAIN=local GOENV=off "$1" env GOVERSION 2>/dev/null) || return 1
  [[ $version =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= minor_min))
}

for go in ${WEFT_GO:-$(type -ap go)} /usr/local/go/bin/go /usr/bin/go /usr/lib/go-1.*/bin/go; do
  if [[ -x $go ]] && is_new_enough "$go"; then
    echo "$go"
    exit 0
  fi
done
exit 1
