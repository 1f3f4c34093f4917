#!/usr/bin/env bash
# What real daemons say they use when they are asked: ntpsec by control messages, openntpd by its own program. Each
# runs without the right to set a clock, which the kernel would refuse, in namespaces of its own.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

need jq chronyd setpriv
need_clockfit
tools=$project/target/tools
for name in ntpsec openntpd; do
  [[ -d $tools/$name ]] || could_not_run "$name is not unpacked in target/tools (scripts/test does so)"
done
use_own_link 10.95.0

# A server that is followed; nobody is at 10.95.0.77.
mkdir -m 700 "$scratch/far"
cat >"$scratch/far/conf" <<END
local stratum 3
allow
cmdport 0
bindcmdaddress /
pidfile $scratch/far/pid
END
ip netns exec "$server" "${unconfined[@]}" chronyd -x -d -u root -f "$scratch/far/conf" >"$scratch/far/log" 2>&1 &
started+=($!)

# Whatever runs below this cannot set a clock, nor get the right to.
tame=(setpriv --bounding-set=-sys_time --inh-caps=-sys_time --no-new-privs)
bound=$("${tame[@]}" sed -n 's/^CapBnd:\t//p' /proc/self/status)
# CAP_SYS_TIME is 25.
[[ $((0x$bound >> 25 & 1)) == 0 ]] || could_not_run "this machine gives nobody up the right to set its clock"
kernel_says() { "$clockfit" discover -f json | jq -S '.kernel | del(.max_error_ns, .estimated_error_ns)'; }
before=$(kernel_says)

# ask NAME PACKAGE READY COMMAND...: what clockfit discover says, as root and as nobody, where PACKAGE's files lie over the
# system's and COMMAND runs, once discover's answer has what READY looks for.
ask() {
  local name=$1 package=$2 ready=$3 host=$scratch/$1-host link
  shift 3
  mkdir -p "$host"/{usr,proc,sys,dev,tmp,run,etc,var/lib/openntpd/{run,db,chroot}}
  chmod 755 "$scratch" "$host"
  for link in bin sbin lib lib64; do ln -s "usr/$link" "$host/$link"; done
  cp /etc/passwd /etc/group "$host/etc/"
  echo 'ntpd:x:64999:65534::/var/lib/openntpd/chroot:/usr/sbin/nologin' >>"$host/etc/passwd"
  echo 'ntp 123/udp' >"$host/etc/services"
  cp "$scratch/$name.conf" "$host/tmp/conf"
  install -m 755 "$clockfit" "$host/tmp/clockfit"
  # shellcheck disable=SC2016  # the inner shell's own
  ip netns exec "$client" unshare --mount --pid --fork --kill-child sh -euc '
    host=$1 over=$2 ready=$3
    shift 3
    mount -t overlay overlay -o "lowerdir=$over:/usr" "$host/usr"
    mount -t proc proc "$host/proc"
    mount -t sysfs sysfs "$host/sys"
    mount --bind /dev "$host/dev"
    chroot "$host" "$@" >"$host/tmp/log" 2>&1 &
    for try in $(seq 30); do
      sleep 1
      ! chroot "$host" /tmp/clockfit discover -f json | jq -e "$ready" >/dev/null || break
    done
    chroot "$host" /tmp/clockfit discover -f json >"$host/../root.out"
    chroot "$host" setpriv --reuid=65534 --regid=65534 --clear-groups /tmp/clockfit discover -f json >"$host/../nobody.out"
    chroot "$host" /tmp/clockfit discover
  ' sh "$host" "$tools/$package/usr" "$ready" "${tame[@]}" "$@" >"$scratch/text" 2>"$scratch/err" \
    || fail "$name: $(<"$scratch/err") $(cat "$host/tmp/log")"
}

# holds WHO FILTER
holds() {
  jq -e "$2" "$scratch/$1.out" >/dev/null || {
    cat "$scratch/$1.out" "$scratch/text" "$scratch"/*-host/tmp/*log
    fail "$1: not so: $2"
  }
}

used='(.running[0].servers | any(.server == "10.95.0.2" and .selection == "used"))'

echo "ntpsec tells everyone"
cat >"$scratch/ntpsec.conf" <<'END'
disable ntp
disable kernel
server 10.95.0.2 iburst minpoll 3 maxpoll 3
server 10.95.0.77 iburst
pool pool.example iburst
restrict default kod nomodify nopeer noquery limited
restrict 127.0.0.1
restrict ::1
END
ask ntpsec ntpsec "$used" /usr/sbin/ntpd -n -c /tmp/conf -l /tmp/ntpd.log
for who in root nobody; do
  holds "$who" "$used"' and (.running | length == 1) and (.running[0] | .daemon == "ntpsec" and .untold == null
    and (.servers | length == 2 and any(.server == "10.95.0.77" and .selection == "unusable")))'
done
grep -q '10.95.0.2: used' "$scratch/text" || fail "$(<"$scratch/text")"

echo "and not where its settings say noquery"
sed '/^restrict.*1$/d' "$scratch/ntpsec.conf" >"$scratch/silent.conf"
ask silent ntpsec '.running[0].untold != null' /usr/sbin/ntpd -n -c /tmp/conf -l /tmp/ntpd.log
holds root '.running[0] | .name == "ntpd" and (.untold | test("noquery")) and .servers == []'

echo "openntpd tells root"
printf 'server 10.95.0.2\nserver 10.95.0.77\n' >"$scratch/openntpd.conf"
ask openntpd openntpd '.running[0].servers | any(.server == "10.95.0.2" and .selection != "unusable")' \
  /usr/sbin/ntpd -d -f /tmp/conf
holds root '.running | length == 1 and (.[0] | .daemon == "openntpd" and .untold == null and (.servers | length == 2
  and any(.server == "10.95.0.2" and .selection != "unusable") and any(.server == "10.95.0.77" and .selection == "unusable")))'
holds nobody '.running[0].untold | test("root")'

[[ $(kernel_says) == "$before" ]] || fail "the kernel's clock is not as it was: $before, $(kernel_says)"
