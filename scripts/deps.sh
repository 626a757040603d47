#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what weft needs and this machine lacks, through apt.
#
#     scripts/deps.sh build guests tests bench
#
# Each group below is a list of needs: a test that says whether the thing is already here (a
# command, a header, a version), the package that brings it, and why weft wants it. Only what is
# missing is collected; when nothing is, no apt command runs at all. Otherwise: `apt-get update` and
# `apt-get install` of everything missing, and then the same tests again, so that a package that did
# not bring what it should is named here and not by a compiler ten minutes later. A download that
# fails is tried again (scripts/retried), and another apt that is at work is waited for.
#
#     scripts/deps.sh --no-install build guests
#
# Installs nothing: when something is missing, it says what, and which command installs it, and ends
# with 1.
#
# Tried on Debian 12 and 13. On another system with apt it tries what it would do on Debian; without
# apt it says what is missing and gives up.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C.UTF-8  # What apt prints is read below.

readonly log=build/logs/apt.log
missing_tests=()
missing_packages=()
missing_reasons=()
apt_lists_are_fresh=no
may_install=yes

die() {
  echo "deps: error: $*" >&2
  exit 1
}

# ---- tests: is it here? --------------------------------------------------------------------------

has() { command -v "$1" >/dev/null; }

has_meson() {
  local version
  version=$(meson --version 2>/dev/null) && ((${version%%.*} >= 1))
}

has_boost() {
  local version
  version=$(awk '/^#define BOOST_VERSION / { print $3 }' /usr/include/boost/version.hpp 2>/dev/null)
  ((${version:-0} >= 108100)) && [[ -e /usr/include/boost/asio.hpp ]]
}

has_boost_context() { has_boost && compgen -G "/usr/lib/*/libboost_context.so" >/dev/null; }

has_chromium() { has chromium || has chromium-browser || has google-chrome; }

has_boost_fiber() { has_boost && compgen -G "/usr/lib/*/libboost_fiber.so" >/dev/null; }

has_libwabt() {
  [[ -e /usr/include/wabt/interp/interp.h ]] &&
    { has_file /usr/lib/libwabt.a || compgen -G "/usr/lib/*/libwabt.a" >/dev/null; }
}

has_file() { [[ -e $1 ]]; }

has_wasi_clang() { scripts/clang.sh >/dev/null; }
has_venv() { python3 -c "import ensurepip, venv" 2>/dev/null; }
has_pip() { python3 -m pip --version >/dev/null 2>&1; }

# Crates of today need cargo 1.85 or newer.
has_cargo() {
  local version
  version=$(cargo --version 2>/dev/null) && version=${version#cargo 1.} && ((${version%%.*} >= 85))
}

has_libfuzzer() {
  has clang++ &&
    compgen -G "$(clang -print-resource-dir)/lib/*/libclang_rt.fuzzer*.a" >/dev/null
}

has_libcxx() {
  local tried status=0
  tried=$(mktemp)
  echo "#include <string>
    int main() { return std::string().size(); }" | clang++ -stdlib=libc++ -x c++ - -o "$tried" ||
    status=$?
  rm -f "$tried"
  return "$status"
} &>/dev/null

has_go() { scripts/go.sh >/dev/null; }

# ---- packages whose name depends on the distribution ---------------------------------------------

refresh_apt_lists() {
  [[ $apt_lists_are_fresh == no && $may_install == yes ]] || return 0
  update_apt_lists
  apt_lists_are_fresh=yes
}

# apt-get update says that all is well when a mirror failed and older lists are there. What never
# answers may be a source that has nothing of what is needed.
update_apt_lists() {
  as_root apt-get -o APT::Update::Error-Mode=any update || as_root apt-get update
}

candidate_of() { apt-cache policy "$1" | awk '$1 == "Candidate:" { print $2 }'; }

is_packaged() { candidate_is_at_least "$1" 0; }

candidate_is_at_least() {
  local candidate
  candidate=$(candidate_of "$1")
  [[ -n $candidate && $candidate != "(none)" ]] && dpkg --compare-versions "$candidate" ge "$2"
}

# Debian 12's default Boost is 1.74; it carries 1.81 beside it under a versioned name.
boost_package() {
  if candidate_is_at_least "lib$1-dev" 1.81; then echo "lib$1-dev"; else echo "lib${1}1.81-dev"; fi
}

# The runtime libraries must match the clang that links them: the system's own, whatever else PATH
# names.
clang_major() {
  local major
  if [[ -x /usr/bin/clang ]]; then
    major=$(/usr/bin/clang -dumpversion)
  else
    major=$(apt-cache depends clang | sed -nE 's/.*Depends: clang-([0-9]+)$/\1/p' | sed -n 1p)
  fi
  echo "${major%%.*}"
}

wasm_builtins_package() { echo "libclang-rt-$(clang_major)-dev-wasm32"; }
cargo_package() {
  if candidate_is_at_least cargo 1.85; then echo cargo; else echo cargo-web; fi
}
libfuzzer_package() { echo "libclang-rt-$(clang_major)-dev"; }

distribution_codename() { sed -n 's/^VERSION_CODENAME=//p' /etc/os-release; }

# Debian 12 has Go 1.19, and a newer one in its backports. golang-src is named too: without it apt
# keeps the old one, on which the new golang-go does not sit.
go_package() {
  local codename
  if candidate_is_at_least golang-go 2:1.21; then
    echo golang-go
  else
    codename=$(distribution_codename)
    enable_backports_of "$codename"
    echo "golang-go/$codename-backports golang-src/$codename-backports"
  fi
}

# Adds the backports of the mirror this machine already uses.
enable_backports_of() {
  local codename=$1 uri source key=/usr/share/keyrings/debian-archive-keyring.gpg
  apt-cache policy | grep "n=$codename-backports" >/dev/null && return
  [[ $may_install == yes ]] || return 0
  # $(REPO_URI) is apt's own placeholder, not a command.
  # shellcheck disable=SC2016
  uri=$(apt-get indextargets --format '$(REPO_URI)' \
    'Created-By: Packages' "Codename: $codename" 'Component: main' | sed -n 1p)
  [[ -n $uri ]] || die "Go here is older than 1.21, and apt has no source for '$codename' to extend"
  source=/etc/apt/sources.list.d/weft-$codename-backports.sources
  echo "deps: Go here is older than 1.21: enabling $codename-backports in $source" >&2
  {
    printf 'Types: deb\nURIs: %s\nSuites: %s-backports\nComponents: main\n' "$uri" "$codename"
    if [[ -e $key ]]; then echo "Signed-By: $key"; fi
  } >"$PWD/build/logs/backports.sources"
  as_root install -m 644 "$PWD/build/logs/backports.sources" "$source"
  update_apt_lists
}

# ---- the needs -----------------------------------------------------------------------------------

# need TEST PACKAGE WHY. PACKAGE may be a function above: it is asked once apt's lists are fresh.
need() {
  local test=$1 package=$2 why=$3
  $test && return
  missing_tests+=("$test")
  missing_packages+=("$package")
  missing_reasons+=("$why")
}

needs_of_build() {
  need "has g++" g++ "the C++20 compiler"
  need "has_meson" meson "the build, 1.0 or newer"
  need "has ninja" ninja-build "runs the build"
  need "has pkg-config" pkg-config "finds libraries for the build"
  need "has_boost" "boost_package boost" "Asio, 1.81 or newer: I/O, timers, signals"
  need "has_boost_context" "boost_package boost-context" "Boost.Context: fibers"
  need "has_file /usr/include/doctest/doctest.h" doctest-dev "unit tests"
  need "has_file /usr/include/openssl/sha.h" libssl-dev "hashes in libwabt, from 1.0.34 on"
  need "has_libwabt" wabt "libwabt: parses, validates and interprets guests"
  need "has_file /usr/include/xbyak/xbyak.h" libxbyak-dev "encodes the machine code of guests"
  need "has wat2wasm" wabt "assembles the guests of the benchmarks"
  need "has_file /usr/include/CLI/CLI.hpp" libcli11-dev "the command line of weft"
  need "has_file /usr/include/toml++/toml.h" libtomlplusplus-dev "manifests"
  need "has_file /usr/include/fmt/format.h" libfmt-dev "messages"
  need "has_file /usr/include/benchmark/benchmark.h" libbenchmark-dev "the benchmarks"
}

needs_of_guests() {
  need "has clang" clang "compiles C guests"
  need "has wasm-ld" lld "links C guests"
  need "has_file /usr/include/wasm32-wasi/stdio.h" wasi-libc "the C library of C guests"
  need "has_wasi_clang" wasm_builtins_package "clang's runtime library for wasm32"
  need "has wat2wasm" wabt "assembles guests written as text"
  need "has_go" go_package "Go 1.21 or newer: builds Go guests"
  need "has python3" python3 "runs the guests' build script"
}

needs_of_tests() {
  need "has clang-format-19" clang-format-19 "format check: each version formats its own way"
  need "has clang-tidy" clang-tidy "static checks"
  need "has_libfuzzer" libfuzzer_package "clang's sanitizers and fuzzer: fuzz targets"
  need "has python3" python3 "end-to-end and tidy checks"
  need "has abidiff" abigail-tools "compares the C ABI with what it was"
  need "has cmake" cmake "builds a program on what is installed"
  need "has_libcxx" libc++-dev "a program on LLVM's C++ library"
  need "has_libcxx" libc++abi-dev "the same"
  need "has git" git "lists the project's files"
  need "has_cargo" cargo_package "fetches the official core tests, builds a second validator"
  need "has_pip" python3-pip "fetches wasm-tools, which takes the core tests apart"
  need "has gdb" gdb "looks at guests and Gs from outside"
  need "has tmux" tmux "a terminal for weft top"
  need "has_file /usr/lib/python3/dist-packages/prometheus_client" python3-prometheus-client \
    "reads what weft stats prints"
  need "has parallel" parallel "runs the parts of a search: an example"
  need "has_file /usr/lib/python3/dist-packages/jsonschema" python3-jsonschema \
    "checks what weft test --json writes"
  need "has_chromium" chromium "looks at the pages of weft report"
  need "has_file /usr/include/nats/nats.h" libnats-dev "weft test --nats, weft worker"
  need "has nats-server" nats-server "carries the parts of a search to its workers"
  need "has openssl" openssl "certificates for a nats-server"
}

needs_of_bench() {
  need "has_boost_fiber" "boost_package boost-fiber" "Boost.Fiber, to compare with"
  # Debian 13 has it no more: the comparison then runs without it.
  if is_packaged libpth-dev; then
    need "has_file /usr/include/pth.h" libpth-dev "GNU Pth, to compare with"
  fi
  need "has_go" go_package "Go 1.21 or newer, to compare with"
  need "has python3" python3 "runs bench/compare"
  need "has valgrind" valgrind "counts instructions in bench/instructions"
}

# What scripts/wasm.sh quick needs, a step of ./check; the whole also needs needs_of_emscripten.
needs_of_wasm() {
  needs_of_guests
  need "has llvm-ar" llvm "archives and names of wasm objects"
  need "has_file /usr/lib/wasm32-wasi/libc++.a" libc++-dev-wasm32 "the C++ library of wasm32-wasi"
  need "has wasm-opt" binaryen "Asyncify: how a fiber stops in WebAssembly"
  need "has node" nodejs "runs it"
  need "has_pip" python3-pip "fetches wasmtime, which runs it too"
  need "has_venv" python3-venv "keeps wasmtime apart"
}

needs_of_emscripten() {
  needs_of_wasm
  need "has emcc" emscripten "WebAssembly for node and for browsers"
  need "has_chromium" chromium "runs it in a page"
}

# ---- installing ----------------------------------------------------------------------------------

# Runs a command as root, its output in the log only. The caller sees failures.
as_root() {
  local sudo=() retried=()
  [[ $1 != apt-get ]] || retried=(scripts/retried)
  if ((EUID != 0)); then
    has sudo || die "not root and no sudo: install as root: ${missing_packages[*]}"
    sudo=(sudo)
  fi
  echo "+ $*" >>"$log"
  DEBIAN_FRONTEND=noninteractive "${retried[@]}" "${sudo[@]}" "$@" >>"$log" 2>&1
}

is_function() { [[ $(type -t "${1%% *}") == function ]]; }

# Turns package-name functions into names, now that apt's lists are there.
resolve_packages() {
  local i
  for i in "${!missing_packages[@]}"; do
    if is_function "${missing_packages[i]}"; then
      missing_packages[i]=$(${missing_packages[i]}) || exit 1
    fi
  done
}

# A package may bring several needs.
print_missing() {
  local i
  for i in "${!missing_packages[@]}"; do
    printf '  %-30s %s\n' "${missing_packages[i]%% *}" "${missing_reasons[i]}"
  done
}

# The words of missing_packages, each once.
packages_to_install() { printf '%s\n' "${missing_packages[@]}" | tr ' ' '\n' | sort -u; }

install_missing() {
  local packages
  has apt-get || die "no apt-get here. Install by hand: $(printf '%s; ' "${missing_reasons[@]}")"
  mkdir -p "${log%/*}"
  : >"$log"
  [[ $may_install == no ]] || echo "deps: reading apt's package lists"
  refresh_apt_lists || fail_with_log "'apt-get update' failed"
  resolve_packages
  mapfile -t packages < <(packages_to_install)
  if [[ $may_install == no ]]; then
    echo "deps: missing:"
    print_missing
    echo "deps: to install it: apt-get install --no-install-recommends ${packages[*]}"
    exit 1
  fi
  echo "deps: installing what is missing (log: $log)"
  print_missing
  as_root apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${packages[@]}" ||
    fail_with_log "apt could not install: ${packages[*]}"
}

fail_with_log() {
  tail -n 25 "$log" >&2
  die "$1 (whole log: $log)"
}

# A package that is installed but does not bring what it should is an error with its name.
verify() {
  local i
  hash -r
  for i in "${!missing_tests[@]}"; do
    ${missing_tests[i]} ||
      die "package '${missing_packages[i]}' is installed, but '${missing_tests[i]}' still fails" \
        "(${missing_reasons[i]})"
  done
}

main() {
  local group
  for group in "$@"; do
    case $group in
      --no-install) may_install=no ;;
      build | guests | tests | bench | wasm | emscripten) "needs_of_$group" ;;
      *) die "no such group: $group (build, guests, tests, bench, wasm, emscripten)" ;;
    esac
  done
  ((${#missing_tests[@]} == 0)) && return 0
  install_missing
  verify
  echo "deps: done"
}

main "$@"
