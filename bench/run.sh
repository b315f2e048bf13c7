#!/bin/bash
# bench/run.sh: lateen-proxy (Native AOT), nginx, HAProxy and YARP, same work, same run, interleaved rounds. --help tells the options.
set -euo pipefail
cd "$(dirname "$0")/.."

compare=bench/Lateen.Bench.Compare/bin/Release/net10.0/Lateen.Bench.Compare
wanted=lateen,lateen-open,nginx,haproxy,yarp
scenarios=http1
previous=
for argument in "$@"; do
  [ "$previous" = --proxies ] && wanted=$argument
  [ "$previous" = --scenario ] && scenarios=$argument
  previous=$argument
done

needs=()
need() { command -v "$1" > /dev/null || needs+=("$2"); }
for tool in nginx haproxy; do
  case ",$wanted," in *",$tool,"*) need "$tool" "$tool";; esac
done
case ",$scenarios," in *,http2,* | *,grpc,* | *,tls,* | *,all,*) need h2load nghttp2-client;; esac
case ",$scenarios," in *,tls-origination,* | *,all,*) need nginx nginx;; esac
case ",$scenarios,$wanted," in *,tcp*nginx,* | *,all,*nginx,*) [ -e /usr/lib/nginx/modules/ngx_stream_module.so ] || needs+=(libnginx-mod-stream);; esac
case " $* " in *" --syscalls "*) need strace strace;; esac
# Native AOT links with clang and zlib.
case ",$wanted," in *,lateen,* | *,lateen-open,*)
  need clang clang
  [ -e /usr/include/zlib.h ] || needs+=(zlib1g-dev);;
esac
if [ ${#needs[@]} -gt 0 ]; then
  as_root=$([ "$(id -u)" = 0 ] || echo sudo)
  $as_root apt-get update -q > /dev/null
  # The packages would start services of their own; these proxies are started by the bench alone. A guard that is there already stays.
  guard=/usr/sbin/policy-rc.d
  if [ ! -e $guard ]; then
    trap '$as_root rm -f $guard' EXIT
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $guard > /dev/null
    $as_root chmod +x $guard
  fi
  $as_root apt-get install -y -q --no-install-recommends "${needs[@]}" > /dev/null
  if [ -n "$(trap -p EXIT)" ]; then
    $as_root rm -f $guard
    trap - EXIT
  fi
fi

quietly() {
  local said
  said=$("$@" 2>&1) || { echo "$said"; exit 1; }
}
for program in LoadGenerator Upstream GrpcUpstream Yarp Compare; do
  quietly dotnet build "bench/Lateen.Bench.$program" -c Release -v q --nologo
done
case ",$wanted," in *,lateen,*)
  machine=$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
  quietly dotnet publish src/lateen-proxy -c Release -r "linux-$machine" -o artifacts/lateen-proxy -v q --nologo
esac
exec "$compare" "$@"
