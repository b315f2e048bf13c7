#!/usr/bin/env bash
# Sets up what the suite needs, builds with warnings as errors, checks formatting, runs every test.
# The last line is `N passed, N failed, N skipped`; the exit code is 0 only when nothing failed and something ran.
#   ./test.sh                       everything
#   ./test.sh --update-golden       rewrite the golden files, then read the diff
#   ./test.sh --no-format           skip the formatting check (for quick turns)
#   ./test.sh PROJECT [ARGS...]     one test project, e.g. ./test.sh Lateen.Http.Tests --filter-class '*Rfc9112*'
# Tests start the shipped proxy, published here (Native AOT); LATEEN_TEST_PROXY=PATH names another, such as one of a plain build.
set -uo pipefail
cd "$(dirname "$0")"

format=true
proxy_tests="Lateen.EndToEnd.Tests Lateen.Proxy.Tests" # Projects whose tests start proxies.
while [ $# -gt 0 ]; do
  case $1 in
    --update-golden) export LATEEN_UPDATE_GOLDEN=1 ;;
    --no-format) format=false ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) break ;;
  esac
  shift
done

fail() { echo "test.sh: $*" >&2; echo "0 passed, 1 failed, 0 skipped"; exit 1; }
step() { printf '\n== %s (%ss)\n' "$*" "$SECONDS"; }

command -v dotnet >/dev/null 2>&1 || fail "the .NET 10 SDK is not on PATH; install the package dotnet-sdk-10.0"

# Peers that the suite talks to: program and the Debian package that brings it. A machine that has them needs no root.
need=()
while read -r program package; do
  command -v "$program" >/dev/null 2>&1 || need+=("$package")
done <<'PEERS'
curl curl
openssl openssl
nghttp nghttp2-client
h2load nghttp2-client
redis-server redis-server
redis-cli redis-tools
haproxy haproxy
chromium chromium
node nodejs
npm npm
tcpdump tcpdump
PEERS
[ -d /usr/lib/python3/dist-packages/grpc ] || need+=(python3-grpcio)

# PACKAGES...: from Debian, as root.
install() {
  step "installing $*"
  local sudo='' guard=/usr/sbin/policy-rc.d own_guard=false installed
  [ "$(id -u)" = 0 ] || sudo=sudo
  # Packages of servers would start them: tests start what they need by themselves. A guard that is there already stays.
  if [ ! -e $guard ]; then
    own_guard=true
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $guard >/dev/null && $sudo chmod +x $guard
  fi
  { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >/dev/null
  installed=$?
  ! $own_guard || $sudo rm -f $guard
  return $installed
}
[ ${#need[@]} -eq 0 ] || install "${need[@]}" || fail "could not install ${need[*]}"

# The shipped proxy is a native binary. Where nothing can link one, the suite runs the proxy of the shared runtime, and says so.
linker=()
command -v clang >/dev/null 2>&1 || linker+=(clang)
[ -e /usr/include/zlib.h ] || linker+=(zlib1g-dev)
[ ${#linker[@]} -eq 0 ] || ! install "${linker[@]}" || linker=()

# Packages of npm stay outside the checkout. Where no registry answers, the tests that want them say that they were skipped.
test/peers/grpc-js/build.sh >/dev/null || echo "test.sh: the gRPC client on Node could not be fetched; its tests are skipped" >&2

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDTERMINALLOGGER=off

step "build"
dotnet build Lateen.slnx -c Release -v quiet --nologo || fail "the build failed"

if $format && [ $# -eq 0 ]; then
  step "format"
  dotnet format Lateen.slnx --no-restore --verify-no-changes -v quiet || fail "formatting differs; run: dotnet format Lateen.slnx"
fi

# What follows tests what is shipped: every test that starts a proxy starts this one, and bodies are as large as promised.
if [ -z "${LATEEN_TEST_PROXY:-}" ] && { [ $# -eq 0 ] || [[ " $proxy_tests " = *" $1 "* ]]; }; then
  if [ ${#linker[@]} -eq 0 ]; then
    step "publish"
    machine=$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
    dotnet publish src/lateen-proxy -c Release -r "linux-$machine" -o artifacts/lateen-proxy -v quiet --nologo || fail "the proxy could not be published"
    export LATEEN_TEST_PROXY=$PWD/artifacts/lateen-proxy/lateen-proxy LATEEN_LARGE_BODY_MB=${LATEEN_LARGE_BODY_MB:-1024}
  else
    echo "test.sh: ${linker[*]} could not be installed: the proxy under test is not the shipped binary, its memory is judged with the runtime's, and bodies are smaller" >&2
  fi
fi

step "test"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [ $# -gt 0 ]; then
  project=$1; shift
  dotnet test --project "test/$project" -c Release --no-build --output detailed "$@" 2>&1 | tee "$log"
else
  # One project at a time: real processes, sockets and two cores do not mix well with a second suite beside them.
  dotnet test --solution Lateen.slnx -c Release --no-build --max-parallel-test-modules 1 2>&1 | tee "$log"
fi
code=${PIPESTATUS[0]}

count() { awk -v key="$1:" '$1 == key { value = $2 } END { print value + 0 }' "$log"; }
passed=$(count succeeded) failed=$(count failed) skipped=$(count skipped)
[ "$code" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
[ "$passed" -gt 0 ] || { [ "$failed" -gt 0 ] || failed=1; code=1; }

printf '\n== done (%ss)\n%s passed, %s failed, %s skipped\n' "$SECONDS" "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ "$code" -eq 0 ]
