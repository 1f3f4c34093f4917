#!/usr/bin/env bash
# What discover is told when it asks: real DHCP servers beside hostile ones, while a client holds the port, and by who
# may not ask; metadata services of several platforms, and what only stands where one would. In networks of its own.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

need jq python3 setpriv
need_clockfit
use_own_link 10.91.0
packages=$project/target/tools
for name in dnsmasq-base isc-dhcp-client; do
  [[ -d $packages/$name ]] || could_not_run "the package $name is not unpacked in target/tools: scripts/test does it"
done
dnsmasq=$(compgen -G "$packages/dnsmasq-base/usr/sbin/dnsmasq")
dhclient=$(compgen -G "$packages/isc-dhcp-client/*sbin/dhclient" || compgen -G "$packages/isc-dhcp-client/usr/sbin/dhclient")
"$dnsmasq" --version >"$scratch/dnsmasq.log" 2>&1 \
  || could_not_run "dnsmasq does not start, for want of libraries that scripts/test installs: $(<"$scratch/dnsmasq.log")"

# Another one on the same link.
other=cf$$-other
# shellcheck disable=SC2317  # reached through the trap
drop_all() {
  ip netns delete "$other" 2>/dev/null || true
  drop_own_link
}
trap drop_all EXIT
ip netns add "$other"
ip link add name o netns "$other" type veth peer name p netns "$server"
ip -n "$server" link add name b type bridge
ip -n "$server" address flush dev s
for port in s p; do ip -n "$server" link set dev "$port" master b up; done
ip -n "$server" address add 10.91.0.2/24 dev b
ip -n "$server" address add 2001:db8:91::2/64 dev b nodad
ip -n "$server" link set dev b up
ip -n "$other" address add 10.91.0.3/24 dev o
ip -n "$other" link set dev o up
settled() {
  for _ in {1..100}; do
    [[ -n $(ip -n "$1" -6 address show dev "$2" scope link tentative) ]] || return 0
    sleep 0.05
  done
}
settled "$client" c
settled "$server" b

# discover NAME ARGUMENT...: what it says, in $scratch/NAME.json, and how long it takes, in $took, in milliseconds.
discover() {
  local name=$1 begun
  shift
  begun=$(date +%s%3N)
  timeout 20 ip netns exec "$client" "$clockfit" discover "$@" -f json >"$scratch/$name.json" 2>"$scratch/$name.log" \
    || fail "$name: $(<"$scratch/$name.log")"
  took=$(($(date +%s%3N) - begun))
}

# holds NAME FILTER: of what it was told when it asked.
holds() {
  jq -e "def told: [.offers[] | select(.client | startswith(\"clockfit\"))];
    def said: [.findings[] | select(.text | startswith(\"--probe\"))]; $2" "$scratch/$1.json" >/dev/null || {
    cat "$scratch/$1.json"
    fail "$1: not so: $2"
  }
}

echo "== nobody answers"
discover silent --probe-dhcp
holds silent 'told == [] and (said | length) == 1 and said[0].code == "no_answer"
  and said[0].text == "--probe-dhcp: no DHCP server answers over c"'
((took >= 3000 && took < 6000)) || fail "it took $took ms"

# serve_dhcp NAMESPACE INTERFACE ARGUMENT...: dnsmasq, once it serves.
serve_dhcp() {
  local log=$scratch/dnsmasq-$1.log namespace=$1 interface=$2
  shift 2
  : >"$log"
  ip netns exec "$namespace" "$dnsmasq" --no-daemon --conf-file=/dev/null --port=0 --user=root --group=root \
    --interface="$interface" --bind-interfaces --no-ping --dhcp-authoritative --pid-file= \
    --dhcp-leasefile="$scratch/leases-$namespace" "$@" >"$log" 2>&1 &
  started+=($!)
  for _ in {1..100}; do
    ! grep -q 'DHCP, ' "$log" || return 0
    sleep 0.05
  done
  fail "no dnsmasq: $(<"$log")"
}

echo "== servers that name none"
serve_dhcp "$server" b --dhcp-range=10.91.0.10,10.91.0.99,1h --dhcp-range=2001:db8:91::,ra-stateless
discover none --probe-dhcp --interface c
# Over IPv6 there is nothing for it to tell.
holds none 'told == [] and any(said[]; .code == "names_none"
  and .text == "--probe-dhcp: 10.91.0.2 answers over c, and names no time server")'
kill "${started[0]}"
wait "${started[0]}" || true
started=()

# The suboptions of option 56: an address, and a name.
v6_servers=00:01:00:10:20:01:0d:b8:00:91:00:00:00:00:00:00:00:00:00:03
v6_servers+=:00:03:00:0d:03:6e:74:70:07:65:78:61:6d:70:6c:65:00
serve_dhcp "$server" b --dhcp-range=10.91.0.10,10.91.0.99,1h --dhcp-option=option:ntp-server,10.91.0.2,10.91.0.4 \
  --dhcp-range=2001:db8:91::,ra-stateless --dhcp-option='option6:sntp-server,[2001:db8:91::2]' \
  --dhcp-option-force="option6:56,$v6_servers"
all='(told | map([.by, .server, .interface]) | sort) == ([
  ["dhcp4", "10.91.0.2", "c"], ["dhcp4", "10.91.0.4", "c"], ["dhcp6", "2001:db8:91::2", "c"],
  ["dhcp6", "2001:db8:91::3", "c"], ["dhcp6", "ntp.example", "c"]] | sort)
  and all(told[]; .standing == "in_force") and said == []'

echo "== a host with an address of its own"
discover static --probe-dhcp
holds static "$all"
holds static 'any(told[]; .evidence.file == "10.91.0.2 over c"
  and .evidence.text == "its answer to DHCPINFORM names 10.91.0.4")'
((took < 3000)) || fail "it took $took ms"
[[ ! -s $scratch/leases-$server ]] || ! grep -v '^duid' "$scratch/leases-$server" || fail "a lease was taken"

echo "== while a client holds the port"
# shellcheck disable=SC2016  # the script's own
printf '#!/bin/sh\necho "$reason" >>%s\n' "$scratch/reasons" >"$scratch/script"
chmod 755 "$scratch/script"
# In a copy: where it is confined, it is so by its path.
cp "$dhclient" "$scratch/dhclient"
ip netns exec "$client" "$scratch/dhclient" -4 -d -lf "$scratch/dhclient.leases" -pf "$scratch/dhclient.pid" \
  -cf /dev/null -sf "$scratch/script" c >"$scratch/dhclient.log" 2>&1 &
holder=$!
started+=("$holder")
for _ in {1..200}; do
  ! grep -q BOUND "$scratch/reasons" 2>/dev/null || break
  sleep 0.1
done
grep -q BOUND "$scratch/reasons" || fail "dhclient: $(<"$scratch/dhclient.log")"
cp "$scratch/reasons" "$scratch/reasons.before"
cp "$scratch/dhclient.leases" "$scratch/leases.before"
sort "$scratch/leases-$server" >"$scratch/given.before"
ip netns exec "$client" python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(("", 68))' \
  2>"$scratch/bind.log" && fail "nobody holds the port"
grep -q 'Address already in use' "$scratch/bind.log" || fail "$(<"$scratch/bind.log")"
discover held --probe-dhcp
holds held "$all"
kill -0 "$holder" || fail "dhclient ended: $(<"$scratch/dhclient.log")"
cmp "$scratch/reasons" "$scratch/reasons.before" || fail "dhclient was told something"
cmp "$scratch/dhclient.leases" "$scratch/leases.before" || fail "the client's lease is another one"
sort "$scratch/leases-$server" | cmp - "$scratch/given.before" || fail "the server gave another lease"

echo "== by who may not"
as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all)
cp "$clockfit" "$scratch/clockfit"
chmod 711 "$scratch"
chmod 755 "$scratch/clockfit"
timeout 20 ip netns exec "$client" "${as_nobody[@]}" "$scratch/clockfit" discover --probe-dhcp -f json \
  >"$scratch/nobody.json" 2>"$scratch/nobody.log" || fail "nobody: $(<"$scratch/nobody.log")"
holds nobody 'told == [] and (said | length) == 1 and said[0].code == "probe_not_allowed"
  and said[0].text == "--probe-dhcp: needs root or CAP_NET_RAW, so nobody was asked"'

echo "== answers of others, and a flood of them"
cat >"$scratch/evil.py" <<'EOF'
# Answers to what it hears asked, each wrong in one way; what is wrong names 10.66.0.N.
import os, socket, sys

def reply(request, n, xid=None, chaddr=None, kind=5, op=2, tail=b'\xff'):
    head = bytearray(request[:236])
    head[0] = op
    if xid is not None:
        head[4:8] = xid
    if chaddr is not None:
        head[28:34] = chaddr
    options = bytes([53, 1, kind, 42, 4, 10, 66, 0, n])
    return bytes(head) + b'\x63\x82\x53\x63' + options + tail

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
server.bind(('0.0.0.0', 67))
elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
elsewhere.bind(('10.91.0.3', 1067))

def flood(parent):
    while os.getppid() == parent:
        try:
            elsewhere.sendto(b'\x02\x01\x06\x00' + bytes(296), ('10.91.0.1', 68))
        except OSError:
            pass

parent = os.getpid()
if sys.argv[1] == 'flood' and os.fork() == 0:
    flood(parent)
    os._exit(0)
print('ready', flush=True)
while True:
    request, _ = server.recvfrom(2000)
    if len(request) < 240 or request[0] != 1:
        continue
    to = ('10.91.0.1', 68)
    server.sendto(reply(request, 1, xid=b'\x00\x00\x00\x01'), to)
    server.sendto(reply(request, 2, chaddr=b'\x02\x00\x00\x00\x00\x99'), to)
    server.sendto(reply(request, 3, kind=2), to)
    server.sendto(reply(request, 4, kind=6), to)
    server.sendto(reply(request, 5, op=1), to)
    elsewhere.sendto(reply(request, 6), to)
    # A part of one, and more than a packet holds.
    server.sendto(reply(request, 7)[:245], to)
    server.sendto(reply(request, 8, tail=bytes(20000)), to)
    # Options that go on where they are already, and one that is longer than what there is.
    last = bytearray(reply(request, 9, tail=b'\xff'))
    last[240 + 3:] = b'\x34\x01\xff\x2a\xf8\x0a\x42\x00\x09'
    server.sendto(bytes(last), to)
    print('answered', flush=True)
EOF
evil() {
  : >"$scratch/evil.log"
  ip netns exec "$other" python3 "$scratch/evil.py" "$1" >"$scratch/evil.log" 2>&1 &
  evil=$!
  started+=("$evil")
  for _ in {1..100}; do
    ! grep -q ready "$scratch/evil.log" || return 0
    sleep 0.05
  done
  fail "evil.py: $(<"$scratch/evil.log")"
}
for mode in answer flood; do
  evil $mode
  discover "$mode" --probe-dhcp
  kill "$evil"
  wait "$evil" || true
  grep -q answered "$scratch/evil.log" || fail "it was not asked: $(<"$scratch/evil.log")"
  ((took < 6000)) || fail "$mode: it took $took ms"
  holds "$mode" 'all(told[]; .server | startswith("10.66.") | not)'
done
# What is cut off is an answer that names none.
holds answer '([told[].server] | length) == 5
  and ([said[] | [.code, .text]] == [["names_none", "--probe-dhcp: 10.91.0.3 answers over c, and names no time server"]])'
jq -c '[.findings[] | select(.text | startswith("--probe")).text]' "$scratch/answer.json" "$scratch/flood.json"

echo "== several servers"
serve_dhcp "$other" o --dhcp-range=10.91.0.110,10.91.0.199,1h --dhcp-option=option:ntp-server,10.91.0.5
discover both --probe-dhcp --interface c
holds both '(told | map(select(.by == "dhcp4") | [.server, .evidence.file]) | sort) == [
  ["10.91.0.2", "10.91.0.2 over c"], ["10.91.0.4", "10.91.0.2 over c"], ["10.91.0.5", "10.91.0.3 over c"]]'
ip netns exec "$client" "$clockfit" discover --probe-dhcp | sed -n '/^offered/,/^$/p'

echo "== no platform"
# quick NAME: the platform, in bounded time.
quick() {
  discover "$1" --probe-metadata
  # Two seconds, and some for a machine that is busy with other tests.
  ((took < 5000)) || fail "$1: it took $took ms"
}
quick nowhere
holds nowhere 'told == [] and (said | length) == 1 and said[0].code == "no_metadata"'
for address in 169.254.169.254 169.254.169.123; do ip -n "$client" route add "$address" dev c; done
quick nobody
holds nobody 'told == [] and (said | length) == 1
  and said[0].text == "--probe-metadata: no metadata service answers at 169.254.169.254: no whole answer in time"'
for address in 169.254.169.254 169.254.169.123; do ip -n "$server" address add "$address/32" dev b; done
quick refused
holds refused 'told == [] and (said | length) == 1 and (said[0].text | endswith("Connection refused (os error 111)"))'

cat >"$scratch/metadata.py" <<'EOF'
# A metadata service of the kind that is asked for.
import http.server, json, sys, time

kind = sys.argv[1]
config = '#cloud-config\nntp:\n  servers:\n    - ntp1.example\n    - 192.0.2.1\n'
openstack = {
    '/openstack/latest/meta_data.json': json.dumps({'uuid': '1', 'name': 'guest'}),
    '/openstack/latest/vendor_data.json': json.dumps({'cloud-init': config}),
    '/openstack/latest/user_data': '#cloud-config\nntp:\n  pools: [own.example]\n',
}

class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def answer(self, status, body=b'', kind='application/json', **headers):
        self.send_response(status)
        self.send_header('Content-Type', kind)
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        if 'Transfer_Encoding' not in headers:
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        if kind == 'ec2' and self.path == '/latest/api/token':
            assert self.headers['X-aws-ec2-metadata-token-ttl-seconds'] == '60'
            self.answer(200, b'AQAEtoken==', 'text/plain')
        elif kind in ('openstack', 'hang', 'ec2', 'gce', 'long'):
            self.answer(405)
        else:
            self.do_GET()

    def do_GET(self):
        if kind == 'redirect':
            self.answer(302, Location='http://portal.example/')
        elif kind == 'html':
            self.answer(200, b'<!DOCTYPE html><title>Welcome</title>', 'text/html')
        elif kind == 'drip':
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b' ')
                self.wfile.flush()
                time.sleep(0.05)
        elif kind == 'ec2':
            if self.headers['X-aws-ec2-metadata-token'] != 'AQAEtoken==':
                self.answer(401)
            elif self.path == '/latest/user-data':
                self.answer(200, b'#cloud-config\nntp: {servers: [a.example]}\n', 'text/plain')
            else:
                self.answer(404)
        elif kind == 'gce':
            if self.path == '/computeMetadata/v1/' and self.headers['Metadata-Flavor'] == 'Google':
                self.answer(200, b'instance/\n', 'application/text', Metadata_Flavor='Google')
            else:
                self.answer(404)
        elif kind == 'hang' and self.path.endswith('vendor_data2.json'):
            time.sleep(60)
        elif kind == 'long' and self.path.endswith('vendor_data2.json'):
            self.answer(200, b'"' + b'x' * 1000000 + b'"')
        elif self.path in openstack:
            body = openstack[self.path].encode()
            chunk = b'%x\r\n%s\r\n0\r\n\r\n' % (len(body), body)
            self.answer(200, chunk, Transfer_Encoding='chunked')
        else:
            self.answer(404)

service = http.server.ThreadingHTTPServer(('169.254.169.254', 80), Service)
service.daemon_threads = True
print('ready', flush=True)
service.serve_forever()
EOF
# platform KIND: that service, asked; what is said of it in $scratch/KIND.json.
platform() {
  local log=$scratch/metadata-$1.log service
  : >"$log"
  ip netns exec "$server" python3 "$scratch/metadata.py" "$1" >"$log" 2>&1 &
  service=$!
  started+=("$service")
  for _ in {1..200}; do
    ! grep -q ready "$log" || break
    sleep 0.05
  done
  quick "$1"
  kill "$service"
  wait "$service" || true
  jq -c '[.findings[] | select(.text | startswith("--probe")).text]' "$scratch/$1.json"
}
vendor='[told[] | select(.by == "vendor_data") | .server] == ["ntp1.example", "192.0.2.1"]
  and all(told[]; .standing == "in_force")'
at=http://169.254.169.254

echo "== OpenStack"
platform openstack
holds openstack "$vendor"' and any(said[]; .code == "platform"
  and .text == "--probe-metadata: this is a guest of OpenStack, by '$at'/openstack/latest/meta_data.json")
  and (said | length) == 1
  and any(told[]; .by == "user_data" and .server == "own.example"
    and .evidence == {file: "'$at'/openstack/latest/user_data", line: 3, text: "ntp: own.example"})'
echo "== one that hangs in between, and one that says too much"
platform hang
holds hang "$vendor"' and any(said[]; .code == "metadata_failed"
  and .text == "--probe-metadata: '$at'/openstack/latest/vendor_data2.json: no whole answer in time")'
platform long
holds long "$vendor"' and any(said[]; .text == "--probe-metadata: '$at'/openstack/latest/vendor_data2.json: '\
'its answer is longer than 256 kB, and was not looked at")'
echo "== what stands in its place"
for kind in redirect html drip; do
  platform $kind
  holds $kind 'told == [] and (said | length) == 1'
done
holds redirect 'said[0].code == "metadata_failed" and (said[0].text
  | endswith("and 5 more there: it redirects to http://portal.example/, which is not followed"))'
holds html 'said[0].text | endswith("and 5 more there: it answers with a page of HTML")'
holds drip 'said[0].text | endswith("no whole answer in time")'
echo "== EC2 and GCE"
platform ec2
holds ec2 'told == [] and [said[].code] == ["platform", "metadata_failed"]
  and (said[0].text | contains("a guest of EC2, by")) and (said[1].text | contains("/latest/user-data: its ntp part"))'
platform gce
holds gce 'told == [] and (said | length) == 1 and (said[0].text | contains("a guest of GCE, by"))'
echo "== a time server of the platform"
serve 169.254.169.123
quick ntp
holds ntp '(told | map([.by, .server, .evidence.file])) == [["link_local", "169.254.169.123", "169.254.169.123"]]
  and (told[0].evidence.text | startswith("it answers as an NTP server of stratum "))'
