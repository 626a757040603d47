#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds weft's packages for the Debian that this runs on, from the last commit:
#
#     packaging/deb.sh [--deps] [FOLDER]
#
# weft (the command), libweft0 (the shared library) and libweft-dev (headers, static library) are
# put into FOLDER, build/deb when not given, and looked at by lintian: an error there is an error
# here. What the build needs is in packaging/debian/control; with --deps apt installs it first,
# which needs root. DEB_BUILD_OPTIONS is Debian's own: parallel=N, noopt, nostrip.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
  echo "deb: error: $*" >&2
  exit 1
}

deps=no
if [[ ${1:-} == --deps ]]; then
  deps=yes
  shift
fi
(($# <= 1)) || { sed -n '3,12s/^# \{0,1\}//p' "$0" >&2; exit 64; }
to=$(realpath -m "${1:-build/deb}")
version=$(sed -nE "s/^ *version: '([^']+)',$/\1/p" meson.build | sed -n 1p)
[[ -n $version ]] || die "meson.build names no version"

if [[ $deps == yes ]]; then
  apt-get -q update
  apt-get -qy install --no-install-recommends dpkg-dev git lintian
  apt-get -qy --no-install-recommends build-dep "./packaging"
fi
for tool in dpkg-buildpackage dh lintian git; do
  command -v "$tool" >/dev/null || die "no '$tool' here: packaging/deb.sh --deps installs it"
done

# Only what is committed, and a changelog of one entry: the project's own is CHANGELOG.md.
tree=$to/weft-$version
rm -rf "$tree"
mkdir -p "$tree"
git -c 'safe.directory=*' archive HEAD | tar -x -C "$tree"
mv "$tree/packaging/debian" "$tree/debian"
maintainer=$(sed -n 's/^Maintainer: //p' "$tree/debian/control")
printf 'weft (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- %s  %s\n' "$version" \
  "$maintainer" "$(date -R -d "@$(git -c 'safe.directory=*' log -1 --format=%ct)")" \
  >"$tree/debian/changelog"

rm -f "$to"/*.deb "$to"/*.changes "$to"/*.buildinfo
(cd "$tree" && dpkg-buildpackage --build=binary --unsigned-changes --no-sign)
echo "deb: lintian"
lintian --allow-root --fail-on error --tag-display-limit 0 "$to"/weft_*.changes ||
  die "lintian found errors"
rm -rf "$tree"
ls -l "$to"/*.deb
