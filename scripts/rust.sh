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
readonly retried=$PWD/scripts/retried
readonly wrapper=$cache/rustc-wasi
readonly root=$cache/root  # The unpacked packages.

# The target for WASI that this rustc has: its name has changed. What it makes goes into a file of
# our own: as root, rustc puts its output in the place of a /dev/null.
target_of() {
  local sysroot target
  sysroot=$("$@" --print sysroot 2>/dev/null) || return 1
  mkdir -p "$cache"
  for target in wasm32-wasip1 wasm32-wasi; do
    compgen -G "$sysroot/lib/rustlib/$target/lib/libstd-*.rlib" >/dev/null || continue
    # Debian has one folder for the libraries of all its versions of Rust.
    # No pipe: a rustc that ends before it has read would end the writer by SIGPIPE.
    "$@" --target "$target" --emit=metadata -o "$cache/tried.rmeta" - >/dev/null 2>&1 \
      <<<'fn main() {}' || continue
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
  { echo '#!/usr/bin/env bash'; printf '%q ' exec "$@" --target "$target"; echo '"$@"'; } \
    >"$wrapper.new"
  chmod +x "$wrapper.new"
  mv "$wrapper.new" "$wrapper"
  echo "$wrapper"
}

wrap_unpacked() {
  local driver
  driver=$(find "$root/usr/lib" -name 'librustc_driver-*.so' -print -quit 2>/dev/null)
  [[ -n $driver ]] || return 1
  wrap env "LD_LIBRARY_PATH=${driver%/*}" "$root/usr/bin/rustc" --sysroot "$root/usr"
}

# Says why there is no rustc, with apt's own reason.
die() {
  local reason
  reason=$(sed -n 's/^E: //p' "$cache/apt.log" 2>/dev/null | sed -n 1p) || true
  echo "rust: no rustc here builds for WASI: $1${reason:+ ($reason)}" >&2
  exit 1
}

# With lists as a new container has them, none, apt knows no package.
update() {
  local lists
  lists=$(apt-get indextargets --format '$(FILENAME)' 'Created-By: Packages' 2>/dev/null) || true
  [[ -z $lists ]] || return 0
  "$retried" apt-get -q update >"$cache/apt.log" 2>&1 ||
    die "apt has no lists, and 'apt-get update' failed"
}

# The name of the package that libstd-rust-dev has its library from.
library_package() {
  apt-cache depends libstd-rust-dev 2>/dev/null |
    sed -n 's/^ *Depends: \(libstd-rust-[0-9.]*\)$/\1/p'
}

# All of it or nothing: an interrupted one leaves no half root.
unpack() {
  local library deb
  rm -rf "$root" "$root.new" "$cache/debs" "$cache/apt.log"
  command -v apt-get >/dev/null || die "give one in WEFT_RUSTC; there is no apt-get to fetch it"
  mkdir -p "$cache/debs" "$root.new"
  update
  library=$(library_package)
  [[ -n $library ]] || die "apt knows no libstd-rust-dev"
  (cd "$cache/debs" && "$retried" apt-get -q download rustc "$library" libstd-rust-dev-wasm32) \
    >"$cache/apt.log" 2>&1 || die "'apt-get download' failed"
  for deb in "$cache"/debs/*.deb; do dpkg -x "$deb" "$root.new"; done
  mv "$root.new" "$root"
  rm -r "$cache/debs"
}

if [[ -x $wrapper ]] && "$wrapper" --version >/dev/null 2>&1; then
  echo "$wrapper"
  exit
fi
if [[ -n ${WEFT_RUSTC:-} ]]; then
  installed=("$WEFT_RUSTC")
else
  mapfile -t installed < <(type -ap rustc)
fi
for rustc in "${installed[@]}"; do
  wrap "$rustc" && exit
done
wrap_unpacked && exit
unpack
wrap_unpacked || die "the one of Debian's packages does not run"
