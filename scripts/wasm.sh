#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# weft as WebAssembly: builds libweft-port.a and what proves it, and runs that.
#
#     scripts/wasm.sh build     # for wasm32-wasi (build/wasi) and Emscripten (build/emscripten)
#     scripts/wasm.sh test      # build, and every program on every host; N passed, N failed
#     scripts/wasm.sh quick     # the same for wasm32-wasi alone: under weft, node and wasmtime
#     scripts/wasm.sh sizes     # what Asyncify adds to each program
#
# The toolchains are Debian's; scripts/deps.sh emscripten installs them, scripts/deps.sh wasm what
# quick needs. Logs are in build/logs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[[ ${WEFT_PLAIN:-} == 1 ]] || exec scripts/plainly scripts/wasm.sh "$@"

readonly logs=build/logs

# built FOLDER CROSS-FILE
built() {
  local folder=build/$1 log=$logs/wasm-$1.log
  if ! {
    [[ -e $folder/build.ninja ]] || meson setup "$folder" --cross-file "cross/$2.ini"
    ninja -C "$folder"
  } >"$log" 2>&1; then
    tail -n 25 "$log" >&2
    echo "wasm: $1 was not built (whole log: $log)" >&2
    return 1
  fi
}

build() {
  mkdir -p "$logs"
  built wasi wasm32-wasi && built emscripten emscripten
}

case ${1:-} in
  build) build ;;
  test)
    build || { echo "0 passed, 1 failed"; exit 1; }
    exec python3 tests/wasm/run.py "${@:2}"
    ;;
  quick)
    mkdir -p "$logs"
    built wasi wasm32-wasi || { echo "0 passed, 1 failed"; exit 1; }
    exec python3 tests/wasm/run.py --without "node, Emscripten" \
      --without "Chromium, Emscripten" --without "Chromium, examples"
    ;;
  sizes)
    build
    exec python3 tests/wasm/sizes.py
    ;;
  *)
    sed -n '3,10s/^# \{0,1\}//p' scripts/wasm.sh >&2
    exit 64
    ;;
esac
