#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command of this project on a Debian that has nothing on it yet.
#
#     scripts/fresh_root.sh 12                            # ./quickstart on Debian 12
#     scripts/fresh_root.sh 13 './quickstart && ./check'
#     scripts/fresh_root.sh --user 13                     # as a user who is not root
#     scripts/fresh_root.sh --with binaryen 12 ./check    # with a package that weft does not need
#
# debootstrap makes the smallest Debian in a folder, the last commit is cloned into it, and the
# command runs there under chroot, in mounts and processes of its own: when it ends, only the folder
# is left. Prints what the command prints, and the seconds; the exit code is the command's. Needs
# root, debootstrap and apt.
#
#     --dir FOLDER     where the roots lie; build/roots when not given
#     --keep           use the root as the last run left it, when there is one, with the commit of
#                      now; else each run starts from nothing
#     --user           run the command as a user without root and sudo, with umask 077, in a folder
#                      with a blank in its name; scripts/deps.sh ran before
#     --with PACKAGES  packages to install first
#
# The mirror is the one that this machine's apt uses, or WEFT_MIRROR. apt's settings for the network
# come along. Downloaded packages are kept in FOLDER for the next run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

declare -rA codenames=([12]=bookworm [13]=trixie)
clone=/home/weft/weft
roots=build/roots
keep=no
user=root
with=

die() {
  echo "fresh_root: error: $*" >&2
  exit 1
}

usage() {
  sed -n '3,24s/^# \{0,1\}//p' scripts/fresh_root.sh >&2
  exit 64
}

say() { printf '==> %s (at %d s)\n' "$*" "$SECONDS"; }

# ---- the root ------------------------------------------------------------------------------------

# The mirror from which this machine's apt takes Debian itself.
mirror() {
  local found=${WEFT_MIRROR:-}
  # $(REPO_URI) is apt's own placeholder, not a command.
  # shellcheck disable=SC2016
  [[ -n $found ]] || found=$(apt-get indextargets --format '$(REPO_URI)' \
    'Created-By: Packages' 'Origin: Debian' 'Component: main' 2>/dev/null | sed -n 1p)
  [[ -n $found ]] ||
    die "apt here names no mirror of Debian; run 'apt-get update', or set WEFT_MIRROR=URL"
  echo "$found"
}

make_root() {
  local root=$1 codename=$2 packages=$3 from
  from=$(mirror)
  say "root: $codename in $root, from $from"
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  debootstrap --variant=minbase --include=ca-certificates --cache-dir="$packages" \
    "$codename" "$root" "$from" >"$root.log" 2>&1 ||
    { tail -n 20 "$root.log" >&2; die "debootstrap failed (whole log: $root.log)"; }
  # Of this machine: how names are found, whose certificates are good, how apt gets out.
  cp --dereference /etc/resolv.conf /etc/hosts "$root/etc/"
  cp --dereference /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  {
    apt-config dump | grep -E '^Acquire::(http|https)::' || true
    echo 'Binary::apt-get::APT::Keep-Downloaded-Packages "true";'
  } >"$root/etc/apt/apt.conf.d/90fresh-root"
}

# The last commit, as a repository of its own: tests ask git which files there are. In a root that
# is kept, only changed files are written, so that nothing else is built again.
clone_into() {
  local root=$1
  local -a git=(git -c advice.detachedHead=false -c 'safe.directory=*')
  "${git[@]}" bundle create -q "$root/weft.bundle" HEAD
  if [[ -e $root$clone/.git ]]; then
    "${git[@]}" -C "$root$clone" fetch -q "$root/weft.bundle" HEAD
    "${git[@]}" -C "$root$clone" reset -q --hard FETCH_HEAD
  else
    mkdir -p "$root${clone%/*}"
    "${git[@]}" clone -q "$root/weft.bundle" "$root$clone"
  fi
}

# ---- in the root ---------------------------------------------------------------------------------

# in_root ROOT PACKAGES USER COMMAND: under chroot, with mounts and processes that end with it, or
# with this script.
in_root() {
  # shellcheck disable=SC2016  # The inner shell expands them.
  unshare --mount --pid --fork --kill-child bash -euc '
    root=$1 packages=$2 user=$3 command=$4
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount --bind "$packages" "$root/var/cache/apt/archives"
    home=$(chroot "$root" sh -c "getent passwd $user | cut -d: -f6")
    [[ $user == root ]] || umask 077
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$home" \
      USER="$user" ${TERM:+TERM="$TERM"} ${http_proxy:+http_proxy="$http_proxy"} \
      ${https_proxy:+https_proxy="$https_proxy"} ${no_proxy:+no_proxy="$no_proxy"} \
      chroot --userspec="$user" "$root" bash -c "cd \"$5\" && $command"
  ' in_root "$1" "$2" "$3" "$4" "$clone" &
  # unshare itself ends by nothing else.
  trap "kill -KILL $!; die interrupted" INT TERM
  wait "$!" || return
}

main() {
  local debian root packages command status=0
  while [[ ${1:-} == --* ]]; do
    case $1 in
      --dir) roots=${2:-}; shift ;;
      --with) with=${2:-}; shift ;;
      --keep) keep=yes ;;
      --user) user=weft clone="/home/weft/a clone" ;;
      *) usage ;;
    esac
    shift
  done
  debian=${1:-}
  command=${2:-./quickstart}
  [[ -n ${codenames[$debian]:-} && $# -le 2 && -n $roots ]] || usage
  ((EUID == 0)) || die "needs root, for chroot and mounts"
  command -v debootstrap >/dev/null || die "no debootstrap here: apt-get install debootstrap"
  mkdir -p "$roots"
  roots=$(realpath "$roots")
  root=$roots/debian-$debian
  packages=$roots/packages-$debian
  mkdir -p "$packages/partial"
  exec {lock}>"$root.lock"
  flock --nonblock "$lock" || die "another run uses $root"

  [[ $keep == yes && -e $root/etc/debian_version ]] ||
    make_root "$root" "${codenames[$debian]}" "$packages"
  clone_into "$root"
  if [[ -n $with ]]; then
    say "packages: $with"
    in_root "$root" "$packages" root \
      "apt-get -q update && apt-get -qy install --no-install-recommends $with" >"$root.log" 2>&1 ||
      { tail -n 20 "$root.log" >&2; die "apt-get failed (whole log: $root.log)"; }
  fi
  if [[ $user != root ]]; then
    say "packages of weft"
    in_root "$root" "$packages" root "scripts/deps.sh build guests tests bench wasm &&
      { getent passwd $user >/dev/null || useradd --shell /bin/bash $user; } &&
      chown -R $user: /home/$user"
  fi
  say "Debian $(<"$root/etc/debian_version"), as $user: $command"
  SECONDS=0
  in_root "$root" "$packages" "$user" "$command" || status=$?
  say "ended with $status"
  return "$status"
}

main "$@"; exit
