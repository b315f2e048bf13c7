#!/usr/bin/env bash
# Builds the go-control-plane peer from Debian's own Go libraries (suite sid) without touching the machine's packages.
# Needs: apt-get with a Debian mirror configured, dpkg, about 3 GB of room and three minutes. The result stays outside the checkout:
#   ${LATEEN_PARTS:-$HOME/.cache/lateen/parts}/go-control-plane/xds-server
# Tests that want it run where it is, and say that they were skipped where it is not.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
parts=${LATEEN_PARTS:-$HOME/.cache/lateen/parts}
out=$parts/go-control-plane
[ "${1:-}" != "--force" ] && [ "$out/xds-server" -nt "$here/main.go" ] && { echo "$out/xds-server is up to date"; exit 0; }

work=$(mktemp -d "${TMPDIR:-/tmp}/lateen-peer.XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

# A private apt root: the mirror is the machine's own, the suite is sid's.
root=$work/apt
mkdir -p "$root"/etc/apt/{sources.list.d,preferences.d,apt.conf.d,trusted.gpg.d} "$root"/var/lib/apt/lists/partial "$root"/var/cache/apt/archives/partial "$root"/var/lib/dpkg
touch "$root/var/lib/dpkg/status"
mirror=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/*.sources)
printf 'Types: deb\nURIs: %s\nSuites: sid\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' "$mirror" > "$root/etc/apt/sources.list.d/sid.sources"
sid() {
  local program=$1
  shift
  "$program" -q -o Dir::Etc="$root/etc/apt" -o Dir::State="$root/var/lib/apt" -o Dir::Cache="$root/var/cache/apt" -o Dir::State::status="$root/var/lib/dpkg/status" \
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Debug::NoLocking=1 "$@"
}

echo "fetching Go and its libraries ..."
sid apt-get update > /dev/null
go=$(sid apt-cache search --names-only '^golang-1\.[0-9]+-go$' | awk '{ print $1 }' | sort -t. -k2 -n | head -n -1 | tail -n 1)
sid apt-get -y --no-install-recommends --download-only install golang-github-envoyproxy-go-control-plane-dev golang-google-grpc-dev "$go" "${go%-go}-src" > "$work/fetch.log" \
  || { tail -5 "$work/fetch.log"; exit 1; }
mkdir "$work/root"
for package in "$root"/var/cache/apt/archives/golang-*.deb; do dpkg -x "$package" "$work/root"; done

echo "building ..."
export PATH="$work/root/usr/lib/go-${go//[!0-9.]/}/bin:$PATH" GOPATH="$work/root/usr/share/gocode" GOCACHE="$work/cache"
export GO111MODULE=off GOTOOLCHAIN=local GOPROXY=off CGO_ENABLED=0
mkdir -p "$out" "$GOPATH/src/lateen.test/xds-server"
cp "$here/main.go" "$GOPATH/src/lateen.test/xds-server/"
(cd "$GOPATH/src/lateen.test/xds-server" && go build -p 1 -ldflags '-s -w' -o "$out/xds-server.new" .)
mv "$out/xds-server.new" "$out/xds-server"
echo "built $out/xds-server"
