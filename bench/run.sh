#!/bin/bash
# bench/run.sh: lateen-proxy (Native AOT), nginx, HAProxy and YARP, same work, same run, interleaved rounds. --help tells the options.
set -euo pipefail
cd "$(dirname "$0")/.."

compare=bench/Lateen.Bench.Compare/bin/Release/net10.0/Lateen.Bench.Compare
wanted=lateen,nginx,haproxy,yarp
previous=
for argument in "$@"; do
  [ "$previous" = --proxies ] && wanted=$argument
  previous=$argument
done

needs=()
for tool in nginx haproxy; do
  case ",$wanted," in *",$tool,"*) command -v "$tool" > /dev/null || needs+=("$tool");; esac
done
case " $* " in *" --syscalls "*) command -v strace > /dev/null || needs+=(strace);; esac
if [ ${#needs[@]} -gt 0 ]; then
  as_root=$([ "$(id -u)" = 0 ] || echo sudo)
  $as_root apt-get update -q > /dev/null
  # The packages would start services of their own; these proxies are started by the bench alone.
  printf '#!/bin/sh\nexit 101\n' | $as_root tee /usr/sbin/policy-rc.d > /dev/null
  $as_root chmod +x /usr/sbin/policy-rc.d
  $as_root apt-get install -y -q --no-install-recommends "${needs[@]}" > /dev/null
  $as_root rm /usr/sbin/policy-rc.d
fi

quietly() {
  local said
  said=$("$@" 2>&1) || { echo "$said"; exit 1; }
}
for program in LoadGenerator Upstream Yarp Compare; do
  quietly dotnet build "bench/Lateen.Bench.$program" -c Release -v q --nologo
done
case ",$wanted," in *,lateen,*)
  machine=$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
  quietly dotnet publish src/lateen-proxy -c Release -r "linux-$machine" -o artifacts/lateen-proxy -v q --nologo
esac
exec "$compare" "$@"
