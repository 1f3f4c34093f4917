#!/usr/bin/env bash
# What discover says of Debian's own packages, of hosts that real DHCP clients and the packages' own hooks left
# their files on, and of a tree that leads out of itself. Nothing of it is installed, or reaches this host.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

need jq mknod chroot ldd
need_clockfit
use_own_link 10.89.0
packages=$project/target/tools
for name in chrony ntpsec openntpd systemd-timesyncd busybox dhcpcd-base dnsmasq-base isc-dhcp-client; do
  [[ -d $packages/$name ]] || could_not_run "the package $name is not unpacked in target/tools: scripts/test does it"
done

# program PACKAGE NAME: in $scratch, which no mount of the clients' hides.
mkdir "$scratch/bin"
program() {
  local file
  for file in "$packages/$1"/{usr/,}{s,}bin/"$2"; do
    if [[ -x $file ]]; then
      cp "$file" "$scratch/bin/$2"
      return
    fi
  done
  fail "there is no $2 in $1"
}
program dnsmasq-base dnsmasq
program isc-dhcp-client dhclient
program dhcpcd-base dhcpcd
program busybox busybox

"$scratch/bin/dnsmasq" --version >"$scratch/dnsmasq.log" 2>&1 \
  || could_not_run "dnsmasq does not start, for want of libraries that scripts/test installs: $(<"$scratch/dnsmasq.log")"

# discover NAME ARGUMENT...: what it says, in $scratch/NAME.json.
discover() {
  local name=$1
  shift
  timeout 10 "$clockfit" discover "$@" -f json >"$scratch/$name.json" 2>"$scratch/$name.log" \
    || fail "$name: $(<"$scratch/$name.log")"
}

# holds NAME FILTER
holds() {
  jq -e "$2" "$scratch/$1.json" >/dev/null || {
    cat "$scratch/$1.json"
    fail "$1: not so: $2"
  }
}

# shipped PACKAGE FILTER: the only daemon in it, which nothing starts.
shipped() {
  discover "$1" --root "$packages/$1"
  holds "$1" '.conclusion == "no_daemon" and .offers == [] and .missed == [] and .findings[].code == "none_enabled"
    and (.daemons | length) == 1 and (.daemons[0] | .enabled == false and .masked == false)'
  holds "$1" ".daemons[0] | $2"
  jq -r --arg name "$1" '.daemons[0] | "\($name): \(.basis), \([.sources[] | "\(.kind) \(.name)"] | join(", "))"' \
    "$scratch/$1.json"
}
vendor='all(.sources[]; .author == "image" and .nts == false)
  and ([.sources[].name] == [range(4) | "\(.).debian.pool.ntp.org"])'

echo "== as packages ship them"
shipped chrony '.name == "chrony" and .basis == "template" and (.sources | length) == 1
  and (.sources[0] | .kind == "pool" and .name == "2.debian.pool.ntp.org" and .author == "image"
    and .evidence.file == "/usr/share/chrony/chrony.conf" and .evidence.line > 1)
  and (.takes_offers[0].text | endswith("/run/chrony-dhcp"))'
shipped ntpsec ".name == \"ntpsec\" and .basis == \"in_force\" and $vendor
  and all(.sources[]; .kind == \"pool\" and .evidence.file == \"/etc/ntpsec/ntp.conf\")"
shipped openntpd ".name == \"openntpd\" and .basis == \"in_force\" and $vendor
  and all(.sources[]; .kind == \"pool\" and .evidence.file == \"/etc/openntpd/ntpd.conf\")"
shipped systemd-timesyncd ".name == \"systemd-timesyncd\" and .basis == \"built_in\" and $vendor
  and all(.sources[]; .kind == \"server\" and .fallback and (.evidence.file | endswith(\"/systemd/timesyncd.conf\")))"

# install_in TREE PACKAGE UNIT: a package as its installation leaves it on a host that systemd starts.
install_in() {
  local tree=$scratch/$1
  mkdir -p "$tree"/{etc/systemd/system/{multi-user,sysinit}.target.wants,run/systemd/system,usr/lib/systemd,var/lib/dhcp}
  : >"$tree/usr/lib/systemd/systemd"
  [[ -L $tree/lib ]] || ln -s usr/lib "$tree/lib"
  cp -a "$packages/$2"/{etc,usr} "$tree"
  [[ ! -d $packages/$2/lib ]] || cp -a "$packages/$2/lib/." "$tree/usr/lib"
  [[ $2 != chrony ]] || cp "$tree/usr/share/chrony/chrony.conf" "$tree/etc/chrony/chrony.conf"
  ln -s "/lib/systemd/system/$3" "$tree/etc/systemd/system/multi-user.target.wants/$3"
}

# What the hooks call, for this host's sake.
mkdir "$scratch/stubs"
for name in invoke-rc.d systemctl chrony-helper; do
  printf '#!/bin/sh\nexit 0\n' >"$scratch/stubs/$name"
  chmod 755 "$scratch/stubs/$name"
done

# on_host TREE COMMAND...: in the client's network, and with the tree's files where hooks look for them; with its
# /run a chronyd of this host is out of their reach.
on_host() {
  local tree=$scratch/$1
  shift
  mkdir -p "$tree/var/lib/dhcpcd"
  # shellcheck disable=SC2016  # the inner shell's
  exec ip netns exec "$client" unshare --mount bash -euc '
    mount --make-rprivate /
    for folder in run etc var/lib; do mount --bind "$0/$folder" "/$folder"; done
    PATH=$1:$PATH
    shift
    exec timeout --kill-after=2 20 "$@"' "$tree" "$scratch/stubs" "$@" </dev/null
}

# The clients' script: it gives the address, and runs the packages' hooks as dhclient's own would.
cat >"$scratch/script" <<'SCRIPT'
#!/bin/bash
case $reason in
  PREINIT*) ip link set dev "$interface" up ;;
  BOUND) ip address replace "$new_ip_address/24" dev "$interface" ;;
  BOUND6) ip address replace "$new_ip6_address/128" dev "$interface" ;;
esac
for hook in /etc/dhcp/dhclient-exit-hooks.d/*; do [[ ! -e $hook ]] || . "$hook"; done
echo "$reason" >"${0%/*}/reason"
SCRIPT
chmod 755 "$scratch/script"
cp "$packages/isc-dhcp-client/etc/dhcp/dhclient.conf" "$scratch"

# dhclient TREE FAMILY REASON ARGUMENT...: until its script was told this.
dhclient() {
  local tree=$1 family=$2 reason=$3 leases=dhclient.leases log=$scratch/dhclient.log
  shift 3
  [[ $family == 4 ]] || leases=dhclient6.leases
  : >"$scratch/reason"
  on_host "$tree" "$scratch/bin/dhclient" "-$family" -1 -d "$@" -lf "$scratch/$tree/var/lib/dhcp/$leases" \
    -pf "$scratch/$tree/run/dhclient.pid" -cf "$scratch/dhclient.conf" -sf "$scratch/script" c >"$log" 2>&1 &
  started+=($!)
  for _ in {1..200}; do
    [[ $(<"$scratch/reason") != "$reason" ]] || return 0
    sleep 0.1
  done
  fail "dhclient for $tree: $(<"$log") $(<"$scratch/dnsmasq.log")"
}

# alone: no client in the client's network, and no address, for the next one.
alone() {
  local pid
  for pid in "${started[@]:1}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" || true
  done
  started=("${started[0]}")
  ip -n "$client" address flush dev c scope global
}

# The suboptions of option 56: an address, a group, which is no server, and a name.
v6_servers=00:01:00:10:20:01:0d:b8:00:89:00:00:00:00:00:00:00:00:00:03
v6_servers+=:00:02:00:10:ff:05:00:00:00:00:00:00:00:00:00:00:00:00:01:01
v6_servers+=:00:03:00:0d:03:6e:74:70:07:65:78:61:6d:70:6c:65:00
ip -n "$client" address flush dev c scope global
ip -n "$server" address add 2001:db8:89::2/64 dev s nodad
ip netns exec "$server" "$scratch/bin/dnsmasq" --no-daemon --conf-file=/dev/null --port=0 --user=root --group=root \
  --interface=s --bind-interfaces --no-ping --dhcp-authoritative --pid-file= \
  --dhcp-leasefile="$scratch/dnsmasq.leases" --enable-ra \
  --dhcp-range=10.89.0.10,10.89.0.99,1h --dhcp-option=option:ntp-server,10.89.0.2,10.89.0.3 \
  --dhcp-range=2001:db8:89::10,2001:db8:89::99,64,1h --dhcp-option='option6:sntp-server,[2001:db8:89::2]' \
  --dhcp-option-force="option6:56,$v6_servers" >"$scratch/dnsmasq.log" 2>&1 &
started+=($!)
for _ in {1..100}; do
  ! grep -q 'DHCP, IP range' "$scratch/dnsmasq.log" || break
  sleep 0.05
done

echo "== chrony, by dhclient"
install_in host chrony chrony.service
discover before --root "$scratch/host"
holds before '.conclusion == "would_take" and .offers == [] and .missed == []
  and any(.because[]; .text == "sourcedir /run/chrony-dhcp")'
dhclient host 4 BOUND
discover leased --root "$scratch/host"
holds leased '.conclusion == "by_default" and .missed == [] and .findings == []
  and [.offers[].server] == ["10.89.0.2", "10.89.0.3"]
  and all(.offers[]; .by == "dhcp4" and .client == "dhclient" and .interface == "c" and .configured_by == "dhcp"
    and .evidence.file == "/var/lib/dhcp/dhclient.leases"
    and .evidence.text == "option ntp-servers 10.89.0.2,10.89.0.3;")
  and any(.because[]; .file == "/run/chrony-dhcp/c.sources" and .line == 2)'
# Of an image nobody knows the time.
holds leased 'all(.offers[]; .standing == "unknown")'
line=$(jq -r '.offers[0].evidence.line' "$scratch/leased.json")
sed -n "${line}p" "$scratch/host/var/lib/dhcp/dhclient.leases" | grep -q 'option ntp-servers 10.89.0.2,10.89.0.3;' \
  || fail "line $line of the lease is another one"

# with_clock NAME TREE: what it says there, where that is its host: with a clock.
with_clock() {
  local tree=$scratch/$2 file
  while read -r file; do
    [[ -e $tree/$file ]] || install -D "$file" "$tree/$file"
  done < <(ldd "$clockfit" | grep -o '/[^ ]*')
  : >>"$tree/clockfit"
  # shellcheck disable=SC2016  # the inner shell's
  timeout 10 unshare --mount --net sh -euc 'mount --make-rprivate /
    mount --bind "$1" "$0/clockfit"
    exec chroot "$0" /clockfit discover -f json' "$tree" "$clockfit" >"$scratch/$1.json" 2>"$scratch/$1.log" \
    || fail "$1: $(<"$scratch/$1.log")"
}
with_clock now host
holds now '.root == "/" and .conclusion == "by_default" and (.offers | length) == 2
  and all(.offers[]; .standing == "in_force" and .configured_by == "dhcp")'

echo "== what its owner writes"
sources=$scratch/host/run/chrony-dhcp/c.sources
mv "$sources" "$scratch/c.sources"
discover unhooked --root "$scratch/host"
holds unhooked '.conclusion == "image_instead" and all(.offers[]; .configured_by == null)
  and any(.because[]; .file == "/etc/chrony/chrony.conf" and (.text | startswith("pool 2.debian.pool.ntp.org")))'
: >"$sources"
echo 'server ntp1.example.org iburst' >"$scratch/host/etc/chrony/sources.d/own.sources"
discover own --root "$scratch/host"
holds own '.conclusion == "overridden" and all(.offers[]; .configured_by == null)
  and any(.because[]; .file == "/etc/chrony/sources.d/own.sources" and .line == 1)'
echo 'server 10.89.0.3 iburst' >"$scratch/host/etc/chrony/sources.d/own.sources"
discover hand --root "$scratch/host"
holds hand '.conclusion == "by_hand" and [.offers[].configured_by] == [null, "site"]'
rm "$scratch/host/etc/chrony/sources.d/own.sources"
mv "$scratch/c.sources" "$sources"

echo "== a lease that is given back"
dhclient host 4 RELEASE -r
[[ ! -e $sources ]] || fail "the hook left $(<"$sources")"
with_clock released host
holds released '.conclusion == "would_take" and (.offers | length) == 2
  and all(.offers[]; .standing == "old" and .configured_by == null)'
alone

echo "== ntpsec, by dhclient"
install_in ntpsec-host ntpsec ntpsec.service
dhclient ntpsec-host 4 BOUND
discover ntpsec-leased --root "$scratch/ntpsec-host"
holds ntpsec-leased '.conclusion == "by_default" and [.offers[].configured_by] == ["dhcp", "dhcp"]
  and (.daemons | length) == 1 and (.daemons[0] | [.sources[].name] == ["10.89.0.2", "10.89.0.3"]
    and all(.sources[]; .author == "dhcp" and .evidence.file == "/run/ntpsec/ntp.conf.dhcp"))'
alone

echo "== systemd-timesyncd, by dhclient of ifupdown"
install_in installed systemd-timesyncd systemd-timesyncd.service
mkdir -p "$scratch"/installed/{usr/sbin,etc/network/interfaces.d}
: >"$scratch/installed/usr/sbin/dhclient"
discover idle --root "$scratch/installed"
holds idle '.conclusion == "image" and .daemons[0].takes_offers == []'
printf 'auto c\niface c inet dhcp\n' >"$scratch/installed/etc/network/interfaces"
discover asks --root "$scratch/installed"
holds asks '.conclusion == "would_take" and any(.because[]; .file == "/etc/dhcp/dhclient-exit-hooks.d/timesyncd")'
# The hook looks for the daemon on this host.
sed -i 's,/lib/systemd/systemd-timesyncd,/bin/sh,' "$scratch/installed/etc/dhcp/dhclient-exit-hooks.d/timesyncd"
dhclient installed 4 BOUND
discover told --root "$scratch/installed"
holds told '.conclusion == "by_default" and [.offers[].configured_by] == ["dhcp", "dhcp"]
  and any(.because[]; .file == "/run/systemd/timesyncd.conf.d/01-dhclient.conf")'
alone

echo "== DHCPv6, by dhclient"
install_in six chrony chrony.service
# It takes a link's own address that nobody else has.
for _ in {1..100}; do
  [[ -n $(ip -n "$client" -6 address show dev c scope link tentative) ]] || break
  sleep 0.05
done
dhclient six 6 BOUND6
discover six --root "$scratch/six"
# Debian's hook passes over them.
holds six '.conclusion == "image_instead" and .missed == []
  and ([.offers[].server] | sort) == ["2001:db8:89::2", "2001:db8:89::3", "ntp.example"]
  and all(.offers[]; .by == "dhcp6" and .client == "dhclient" and .interface == "c" and .configured_by == null
    and .evidence.file == "/var/lib/dhcp/dhclient6.leases")'
with_clock six-now six
holds six-now 'all(.offers[]; .standing == "in_force")'
alone

echo "== systemd-timesyncd, by dhcpcd"
# Its hooks stand where this host's own would, and look there whether there is a chrony to be helped.
cp -r "$packages/dhcpcd-base/usr/lib/dhcpcd/dhcpcd-hooks" "$scratch/dhcpcd-hooks"
sed -i "s,/usr/libexec/chrony/,$scratch/stubs/,g" "$scratch"/dhcpcd-hooks/*
cat >"$scratch/dhcpcd-script" <<SCRIPT
#!/bin/bash
for hook in "$scratch"/dhcpcd-hooks/6*; do . "\$hook"; done
SCRIPT
chmod 755 "$scratch/dhcpcd-script"
printf 'option %s\n' ntp_servers dhcp6_sntp_servers dhcp6_ntp_server >"$scratch/dhcpcd.conf"
# dhcpcd TREE FAMILY: until it has a lease.
dhcpcd() {
  (on_host "$1" "$scratch/bin/dhcpcd" "-$2" --oneshot --nobackground --noarp --noipv4ll \
    --config "$scratch/dhcpcd.conf" --script "$scratch/dhcpcd-script" c) >"$scratch/dhcpcd.log" 2>&1 \
    || fail "dhcpcd for $1: $(<"$scratch/dhcpcd.log") $(<"$scratch/dnsmasq.log")"
}
install_in other systemd-timesyncd systemd-timesyncd.service
dhcpcd other 4
discover other --root "$scratch/other"
holds other '.conclusion == "by_default" and .missed == [] and [.offers[].server] == ["10.89.0.2", "10.89.0.3"]
  and all(.offers[]; .by == "dhcp4" and .client == "dhcpcd" and .interface == "c" and .standing == "unknown"
    and .configured_by == "dhcp" and .evidence.file == "/var/lib/dhcpcd/c.lease")
  and any(.because[]; .file == "/run/systemd/timesyncd.conf.d/01-dhcpcd.ipv4.c.conf")'
dhcpcd other 6
with_clock both other
holds both '.conclusion == "by_default" and (.offers | length) == 5 and all(.offers[]; .standing == "in_force")
  and (.offers | map(select(.by == "dhcp6")) | sort_by(.server)
    | map([.server, .configured_by, .evidence.file]) == [
      ["2001:db8:89::2", "dhcp", "/var/lib/dhcpcd/c.lease6"],
      ["2001:db8:89::3", null, "/var/lib/dhcpcd/c.lease6"], ["ntp.example", null, "/var/lib/dhcpcd/c.lease6"]])'
alone

echo "== chrony and openntpd, by dhcpcd"
install_in helped chrony chrony.service
dhcpcd helped 4
discover helped --root "$scratch/helped"
holds helped '.conclusion == "by_default" and [.offers[].configured_by] == ["dhcp", "dhcp"]
  and any(.because[]; .file == "/var/lib/dhcp/chrony.servers.ipv4.c" and .line == 2)'
alone
install_in open openntpd openntpd.service
dhcpcd open 4
discover open --root "$scratch/open"
holds open '.conclusion == "by_default" and [.offers[].configured_by] == ["dhcp", "dhcp"]
  and (.daemons | length) == 1
  and ([.daemons[0].sources[] | select(.author == "dhcp").name] == ["10.89.0.2", "10.89.0.3"])
  and (.daemons[0].takes_offers[0] | .file == "/etc/openntpd/ntpd.conf" and (.text | startswith("# dhcpcd c start")))'
alone

echo "== busybox udhcpc leaves nothing"
install_in busy chrony chrony.service
cat >"$scratch/udhcpc-script" <<SCRIPT
#!/bin/sh
[ "\$1" != bound ] || echo "\$ntpsrv" >"$scratch/udhcpc.told"
SCRIPT
chmod 755 "$scratch/udhcpc-script"
(on_host busy "$scratch/bin/busybox" udhcpc -i c -f -q -n -O ntpsrv -s "$scratch/udhcpc-script") \
  >"$scratch/udhcpc.log" 2>&1 || fail "udhcpc: $(<"$scratch/udhcpc.log")"
[[ $(<"$scratch/udhcpc.told") == "10.89.0.2 10.89.0.3" ]] || fail "udhcpc was told: $(<"$scratch/udhcpc.told")"
discover busy --root "$scratch/busy"
holds busy '.conclusion == "would_take" and .offers == []'

echo "== a tree that leads out of itself"
tree=$scratch/hostile
outside=$scratch/outside
mkdir -p "$tree"/{dev,proc,etc/{chrony,ntpsec,openntpd,ntpd-rs,dhcp,default},run,var/lib/{dhcp,NetworkManager,dhcpcd}} \
  "$tree"/{etc/systemd/system/multi-user.target.wants,usr/lib/systemd/system,sys/class} "$outside"
secret=stolen.example
printf 'server %s iburst\nservers %s\nNTP=%s\n' $secret $secret $secret >"$outside/secret"
printf 'lease {\n  interface "c";\n  option ntp-servers %s;\n}\n' $secret >"$outside/dhclient.leases"
cp "$outside/secret" "$outside/own.sources"
touch -a -d @1 "$outside"/*
up=../../../../../../../../../../../..
# What is inside is found by the same kinds of links.
echo 'server inside.example' >"$tree/etc/inside"
printf '%s\n' 'include /etc/link' "include $outside/secret" "include /etc/$up$outside/secret" \
  "sourcedir $outside" 'sourcedir /etc/chrony/away' 'include /dev/zero' 'include /etc/pipe' >"$tree/etc/chrony/chrony.conf"
ln -s "/$up/etc/inside" "$tree/etc/link"
ln -s "$up$outside" "$tree/etc/chrony/away"
ln -s "$outside/dhclient.leases" "$tree/var/lib/dhcp/dhclient.leases"
ln -s "$up$outside/dhclient.leases" "$tree/var/lib/dhcp/dhclient.c.leases"
ln -s "$outside" "$tree/var/lib/dhclient"
# The process itself knows another root.
ln -s "/proc/self/root$outside/secret" "$tree/etc/ntp.conf"
ln -s "/proc/thread-self/root$outside/dhclient.leases" "$tree/run/dhclient.leases"
mknod "$tree/dev/null" c 1 3 || could_not_run "this machine allows no device nodes"
mknod "$tree/dev/zero" c 1 5
mknod "$tree/etc/openntpd/ntpd.conf" b 7 0
mkfifo "$tree/etc/pipe" "$tree/etc/ntpsec/ntp.conf" "$tree/var/lib/dhcpcd/c.lease" "$tree/etc/os-release"
ln -s /dev/zero "$tree/etc/ntpd-rs/ntp.toml"
ln -s /etc/round "$tree/etc/round"
ln -s /etc/round "$tree/sys/class/net"
: >"$tree/usr/lib/systemd/system/chrony.service"
ln -s /lib/systemd/system/chrony.service "$tree/etc/systemd/system/multi-user.target.wants/chrony.service"
ln -s /dev/null "$tree/etc/systemd/system/chrony.service"
ln -s /dev/null "$tree/etc/default/ntpsec"
: >"$tree/usr/lib/systemd/systemd-timesyncd"
ln -s /dev/null "$tree/etc/systemd/timesyncd.conf"

begun=$SECONDS
for format in text json; do
  # shellcheck disable=SC2016  # the inner shell's
  timeout 10 unshare --mount sh -euc 'mount --make-rprivate /
    mount -t proc proc "$1/proc"
    exec "$0" discover --root "$1" -f "$2"' "$clockfit" "$tree" $format \
    >"$scratch/hostile.$format" 2>"$scratch/hostile.log" || fail "hostile: $(<"$scratch/hostile.log")"
  ! grep -q $secret "$scratch/hostile.$format" "$scratch/hostile.log" || fail "$(grep $secret "$scratch/hostile.$format")"
done
((SECONDS - begun < 5)) || fail "it took $((SECONDS - begun)) s"
for file in "$outside"/*; do
  [[ $(stat -c %X "$file") == 1 ]] || fail "$file was read"
done
holds hostile '.conclusion == "no_daemon" and .offers == []
  and ([.daemons[].sources[].name] | unique) == ["inside.example"]
  and any(.daemons[]; .name == "chrony" and .masked and .enabled == false)'
holds hostile '[.missed[] | select(.why == "is no regular file, and was not opened").path] | sort == [
  "/dev/zero", "/etc/ntpd-rs/ntp.toml", "/etc/ntpsec/ntp.conf", "/etc/openntpd/ntpd.conf", "/etc/os-release",
  "/etc/pipe", "/var/lib/dhcpcd/c.lease"]'
holds hostile 'all(.missed[]; .path != "/etc/default/ntpsec" and .path != "/etc/systemd/timesyncd.conf")'
jq -c '[.missed[] | [.path, .why]]' "$scratch/hostile.json"
