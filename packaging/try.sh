#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds weft's packages, installs them, and with nothing else of weft builds the servers of
# examples/embed in an empty folder and asks each one question:
#
#     scripts/fresh_root.sh 12 packaging/try.sh    # on a Debian that has nothing on it yet
#     scripts/fresh_root.sh 13 packaging/try.sh
#     packaging/try.sh FOLDER                      # the packages that lie there, built before
#
# Needs root. The last line says that it works.
set -euo pipefail
packages=${1:+$(realpath -m "$1")}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=${packages:-$PWD/build/deb}
if (($# == 0)); then
  packaging/deb.sh --deps
else
  apt-get -q update
fi
apt-get -qy install --no-install-recommends "$packages"/*.deb \
  g++ pkg-config clang lld wasi-libc libclang-rt-dev-wasm32
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cp examples/embed/server.cpp examples/embed/server.c examples/embed/guest/guest.c "$work"
cd "$work"

clang --target=wasm32-wasi --sysroot=/usr -O1 -c guest.c -o guest.o
clang --target=wasm32-wasi --sysroot=/usr guest.o -o guest.wasm
# pkg-config's words are several.
# shellcheck disable=SC2046
g++ -std=c++20 server.cpp -o in_cpp $(pkg-config --cflags --libs weft)
# shellcheck disable=SC2046
gcc -std=c11 server.c -o in_c $(pkg-config --cflags --libs weft-c)
for server in ./in_cpp ./in_c; do
  coproc "$server" guest.wasm
  pid=$COPROC_PID # bash unsets it when the server has ended.
  read -r -t 60 -u "${COPROC[0]}" said
  exec {client}<>"/dev/tcp/127.0.0.1/${said##* }"
  echo one >&"$client"
  read -r -t 60 -u "$client" answer
  echo "$server: $said; one: $answer"
  [[ $answer == "the value of one" ]]
  exec {client}>&-
  read -r -t 60 -u "${COPROC[0]}" said
  [[ $said == *": exited" ]]
  kill "$pid"
  wait "$pid" || true
done
weft --version
version=$(pkg-config --modversion weft)
echo "try: the packages of weft $version work on Debian $(</etc/debian_version)"
