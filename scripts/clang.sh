#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the path of a clang that can build WASI guests, or fails silently.
#
# A clang needs its own version's runtime library for wasm32, a wasm-ld, and the system's wasi-libc
# below /usr. Each candidate is tried; its version tells nothing. The one on PATH comes first; if it
# lacks one of these, Debian's is used. WEFT_CLANG is tried in place of the one on PATH.
set -u

tried=$(mktemp)  # No linker of root's may have /dev/null as its output: some replace it.
trap 'rm -f "$tried"' EXIT

builds_guests() {
  echo 'int main(void) { return 0; }' |
    env -i PATH="$PATH" "$1" --target=wasm32-wasi --sysroot=/usr -x c - -o "$tried" &>/dev/null
}

for clang in ${WEFT_CLANG:-$(type -ap clang)} /usr/lib/llvm-*/bin/clang; do
  if [[ -x $clang ]] && builds_guests "$clang"; then
    echo "$clang"
    exit 0
  fi
done
exit 1
