#!/usr/bin/env bash
# Fetches @grpc/grpc-js and @grpc/grpc-js-xds, at the versions of package-lock.json, for the peer in client.js.
# Needs: node 18 or later and npm with a registry. The packages stay outside the checkout:
#   ${LATEEN_PARTS:-$HOME/.cache/lateen/parts}/grpc-js/node_modules
# Tests that want it run where it is, and say that they were skipped where it is not.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${LATEEN_PARTS:-$HOME/.cache/lateen/parts}/grpc-js
[ "${1:-}" != "--force" ] && cmp -s "$here/package-lock.json" "$out/package-lock.json" && [ -e "$out/complete" ] && { echo "$out is up to date"; exit 0; }

mkdir -p "$out"
rm -f "$out/complete"
cp "$here/package.json" "$here/package-lock.json" "$out/"
# No package here needs its install scripts, so none is run.
(cd "$out" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
touch "$out/complete"
echo "fetched $out/node_modules"
