#!/bin/bash
# bench/footprint.sh: time to start, resident memory, memory per idle connection, time from a change to the first request that sees it.
# Exit code 0: all within budget; 1: some are not, or a program failed; 2: bad usage. --help tells the options.
set -euo pipefail
cd "$(dirname "$0")/.."

# Native AOT links with clang and zlib.
needs=()
command -v clang > /dev/null || needs+=(clang)
[ -e /usr/include/zlib.h ] || needs+=(zlib1g-dev)
if [ ${#needs[@]} -gt 0 ]; then
  as_root=$([ "$(id -u)" = 0 ] || echo sudo)
  $as_root apt-get update -q > /dev/null
  $as_root apt-get install -y -q --no-install-recommends "${needs[@]}" > /dev/null
fi

quietly() {
  local said
  said=$("$@" 2>&1) || { echo "$said"; exit 1; }
}
for project in bench/Lateen.Bench.Upstream bench/Lateen.Bench.Footprint src/lateen; do
  quietly dotnet build "$project" -c Release -v q --nologo
done
machine=$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
quietly dotnet publish src/lateen-proxy -c Release -r "linux-$machine" -o artifacts/lateen-proxy -v q --nologo
# Each connection is a file, at the client and at the proxy.
ulimit -Sn "$(ulimit -Hn)"
exec bench/Lateen.Bench.Footprint/bin/Release/net10.0/Lateen.Bench.Footprint "$@"
