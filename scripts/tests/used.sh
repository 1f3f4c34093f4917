#!/usr/bin/env bash
# What a real chronyd uses, as an unprivileged user asks it: a host with files and a network of its own, whose
# chronyd follows what a hook of a DHCP client left for it, or what its user wrote instead.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

need jq chronyd chronyc setpriv
need_clockfit
use_own_link 10.97.0
ip -n "$server" address add 10.97.0.3/24 dev s

# Two servers on the far end of the link: the first is offered, the second its user's.
mkdir -m 700 "$scratch/far"
cat >"$scratch/far/conf" <<EOF
local stratum 3
allow
cmdport 0
bindcmdaddress /
pidfile $scratch/far/pid
EOF
ip netns exec "$server" "${unconfined[@]}" chronyd -x -d -u root -f "$scratch/far/conf" >"$scratch/far/log" 2>&1 &
started+=($!)

# The host: the system's programs, and settings of its own.
host=$scratch/host
mkdir -p "$host"/{usr,proc,sys,dev,tmp,run/chrony-dhcp,run/NetworkManager/devices,run/chrony,var/lib/chrony} \
  "$host"/etc/{chrony/sources.d,systemd/system/multi-user.target.wants}
chmod 755 "$scratch" "$host"
for link in bin sbin lib lib64; do ln -s "usr/$link" "$host/$link"; done
printf 'sourcedir /run/chrony-dhcp\nsourcedir /etc/chrony/sources.d\n' >"$host/etc/chrony/chrony.conf"
: >"$host/etc/systemd/system/chrony.service"
ln -s ../chrony.service "$host/etc/systemd/system/multi-user.target.wants/chrony.service"
printf '[dhcp4]\ndhcp4.ntp_servers=10.97.0.2\n' >"$host/run/NetworkManager/devices/1"
cp /etc/passwd /etc/group "$host/etc/"
echo '10.97.0.3 own.example' >"$host/etc/hosts"
install -m 755 "$clockfit" "$host/tmp/clockfit"
programs=(mount --bind /usr "$host/usr")
[[ ! -d $unpacked/usr/bin ]] || programs=(mount -t overlay overlay -o "lowerdir=$unpacked/usr:/usr" "$host/usr")

# The user's own line, where there is one, and chronyd once it follows somebody; then what is asked.
cat >"$host/tmp/run" <<'EOF'
rm -f /run/chrony/chronyd.pid
/usr/sbin/chronyd -x -d -u root >/tmp/chronyd.log 2>&1 &
for try in 1 2 3 4 5 6 7 8 9 10; do
  case $(/usr/bin/chronyc -h 127.0.0.1 -c sources 2>/dev/null) in
    *'^,*,'*) break ;;
  esac
  sleep 1
done
setpriv --reuid=65534 --regid=65534 --clear-groups /bin/sh -c "$1"
EOF

# within NAME COMMAND: what COMMAND prints there; all that was started ends with it.
within() {
  # shellcheck disable=SC2016  # the inner shell's own
  ip netns exec "$client" unshare --mount --pid --fork --kill-child sh -euc '
    host=$1 command=$2
    shift 2
    "$@"
    mount -t proc proc "$host/proc"
    mount -t sysfs sysfs "$host/sys"
    mount --bind /dev "$host/dev"
    exec chroot "$host" /bin/sh /tmp/run "$command"
  ' sh "$host" "$2" "${programs[@]}" >"$scratch/$1.out" 2>"$scratch/$1.log" \
    || fail "$1: $(<"$scratch/$1.log") $(<"$scratch/$1.out") $(cat "$host/tmp/chronyd.log")"
}

# holds NAME FILTER
holds() {
  jq -e "$2" "$scratch/$1.out" >/dev/null || {
    cat "$scratch/$1.out" "$host/tmp/chronyd.log"
    fail "$1: not so: $2"
  }
}

discover='/tmp/clockfit discover -f json'

echo "what DHCP offers is used by default"
echo 'server 10.97.0.2 iburst minpoll 0 maxpoll 0' >"$host/run/chrony-dhcp/c.sources"
within default "$discover"
# This chronyd steers nothing, and what the kernel says is whoever's doing keeps this machine's clock.
holds default '.conclusion == "by_default" and (.findings | map(select(.code != "kernel_not_told")) == [])
  and (.kernel | (.synchronised | type == "boolean") and .max_error_ns >= 0)
  and (.kernel.synchronised or any(.findings[]; .code == "kernel_not_told"))
  and (.offers | map(select(.by == "dhcp4")) | length == 1 and .[0].used and .[0].configured_by == "dhcp")
  and (.running[0] | .daemon == "chrony" and .untold == null and .servers[0].selection == "used")'

echo "servers that are used are asked where none is named"
within asked '/tmp/clockfit measure -n 5 -i 50ms -f json 2>/dev/null'
holds asked '.sources | length == 1 and .[0].address == "10.97.0.2" and .[0].valid == 5'

echo "and what a conformance suite asks is answered"
within scs '/tmp/clockfit scs 10.97.0.2 -n 3 -i 50ms --testcases "scs-0129-offered scs-0129-used-by-default"'
for id in offered used-by-default; do
  grep -qx "scs-0129-$id: PASS" "$scratch/scs.out" || fail "scs: $(<"$scratch/scs.out")"
done

echo "a user's own server takes the place of what is offered"
rm "$host/run/chrony-dhcp/c.sources"
echo 'server own.example iburst minpoll 0 maxpoll 0' >"$host/etc/chrony/sources.d/own.sources"
within overridden "$discover"
holds overridden '.conclusion == "overridden" and (.running[0].servers[0] | .server == "10.97.0.3" and .name == "own.example")
  and (.offers[] | select(.by == "dhcp4") | .used == false and .configured_by == null)'

echo "one that does not answer is told"
echo 'cmdport 0' >>"$host/etc/chrony/chrony.conf"
within silent "$discover"
holds silent '(.running[0].untold | test("506")) and .conclusion == "overridden"'

echo "one that is enabled and does not run is told"
tail -n 1 "$host/tmp/run" >"$host/tmp/only" && mv "$host/tmp/only" "$host/tmp/run"
within stopped "$discover"
holds stopped '.running == [] and any(.findings[]; .code == "not_running")'
