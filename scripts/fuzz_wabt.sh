#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the installed version of libwabt again, for the fuzzers: with AddressSanitizer and clang's
# coverage, so that they see into it.
#
#     scripts/fuzz_wabt.sh PREFIX
#     tests/fuzz/run.py --wabt PREFIX --aot 200 --seconds 3600 --build build/fuzz-wabt references
#
# The sources are Debian's own: `apt-get source`, with package lists of their own in PREFIX, so that
# nothing of the system changes and no root is needed. Needs apt, dpkg-dev, clang, cmake and ninja.
set -euo pipefail

die() {
  echo "fuzz_wabt: error: $*" >&2
  exit 1
}

(($# == 1)) || die "usage: scripts/fuzz_wabt.sh PREFIX"
mkdir -p "$1"
prefix=$(cd "$1" && pwd)
readonly prefix
for command in apt-get dpkg-source clang++ cmake ninja; do
  command -v "$command" >/dev/null || die "'$command' is missing"
done
version=$(dpkg-query -W -f '${Version}' wabt) || die "the package 'wabt' is not installed"
readonly version

fetch_sources() {
  local lists=$prefix/apt uri codename
  # $(REPO_URI) and $(CODENAME) are apt's own placeholders, not commands.
  # shellcheck disable=SC2016
  read -r uri codename < <(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' \
    'Created-By: Packages' 'Origin: Debian' 'Component: main' | sed -n 1p)
  [[ -n $uri ]] || die "apt here names no mirror of Debian; run 'apt-get update'"
  mkdir -p "$lists/lists/partial"
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $codename main" \
    >"$lists/sources.list"
  local options=(-o "Dir::Etc::sourcelist=$lists/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$lists/lists" -o APT::Sandbox::User=)
  apt-get "${options[@]}" -q update
  (cd "$prefix" && apt-get "${options[@]}" -q --only-source source "wabt=$version")
}

[[ -d $(echo "$prefix"/wabt-*/) ]] || fetch_sources
sources=$(echo "$prefix"/wabt-*/)
readonly sources
[[ -e $sources/CMakeLists.txt ]] || die "no sources in $prefix"

cmake -G Ninja -S "$sources" -B "$prefix/build" -DCMAKE_BUILD_TYPE=None \
  -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
  -DCMAKE_CXX_FLAGS="-fsanitize=address,fuzzer-no-link -O1 -g1" \
  -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib \
  -DBUILD_TESTS=OFF -DBUILD_TOOLS=OFF -DBUILD_LIBWASM=OFF -DUSE_INTERNAL_SHA256=ON
ninja -C "$prefix/build" install
echo "fuzz_wabt: wabt $version, with AddressSanitizer and coverage, is in $prefix"
