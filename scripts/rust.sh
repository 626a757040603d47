#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the path of a rustc that builds WASI guests, or fails and says why on stderr.
#
# It is a script in build/cache/rust that calls the first of these with its target for WASI:
#
#   WEFT_RUSTC, or a rustc on PATH (of Debian, of rustup), when it has a standard library for WASI;
#   Debian's own rustc, unpacked beside that script. Debian 12 has Rust twice: rustc 1.63 with a
#   standard library for WASI, and rustc-web, newer, without one, and each takes the other's place.
#   What needs a new Rust (scripts/deps.sh tests) has the second one installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly cache=$PWD/build/cache/rust
readonly wrapper=$cache/rustc-wasi

# The target for WASI that this rustc has: its name has changed.
target_of() {
  local sysroot target
  sysroot=$("$@" --print sysroot 2>/dev/null) || return 1
  for target in wasm32-wasip1 wasm32-wasi; do
    compgen -G "$sysroot/lib/rustlib/$target/lib/libstd-*.rlib" >/dev/null || continue
    # Debian has one folder for the libraries of all its versions of Rust.
    echo 'fn main() {}' |
      "$@" --target "$target" --emit=metadata -o /dev/null - 2>/dev/null || continue
    echo "$target"
    return
  done
  return 1
}

# wrap COMMAND...: makes the script, if the command can.
wrap() {
  local target
  target=$(target_of "$@") || return 1
  mkdir -p "$cache"
  printf '#!/bin/sh\nexec %s --target %s "$@"\n' "$*" "$target" >"$wrapper.new"
  chmod +x "$wrapper.new"
  mv "$wrapper.new" "$wrapper"
  echo "$wrapper"
}

# The name of the package that libstd-rust-dev has its library from.
library_package() {
  apt-cache depends libstd-rust-dev | sed -n 's/^ *Depends: \(libstd-rust-[0-9.]*\)$/\1/p'
}

unpack() {
  local library deb
  library=$(library_package)
  [[ -n $library ]] || { echo "rust: apt knows no libstd-rust-dev" >&2; return 1; }
  mkdir -p "$cache/debs" "$cache/root"
  (cd "$cache/debs" && apt-get download rustc "$library" libstd-rust-dev-wasm32) >&2 || return 1
  for deb in "$cache"/debs/*.deb; do dpkg -x "$deb" "$cache/root"; done
  rm -r "$cache/debs"
}

if [[ -x $wrapper ]] && "$wrapper" --version >/dev/null 2>&1; then
  echo "$wrapper"
  exit
fi
for rustc in ${WEFT_RUSTC:-$(type -ap rustc)}; do
  wrap "$rustc" && exit
done
readonly unpacked=("$cache/root/usr/bin/rustc" --sysroot "$cache/root/usr")
if [[ ! -x ${unpacked[0]} ]]; then unpack || exit; fi
libraries=$(dirname "$(find "$cache/root/usr/lib" -name 'librustc_driver-*.so' -print -quit)")
wrap env "LD_LIBRARY_PATH=$libraries" "${unpacked[@]}" && exit
echo "rust: no rustc here builds for WASI" >&2
exit 1
