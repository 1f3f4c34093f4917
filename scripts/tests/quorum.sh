#!/usr/bin/env bash
# Hosts held against each other: three that reach a server of their own under one address, which stand for hosts
# whose clocks are 0, 10 and 60 ms behind one server, and two that measure each other.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

need jq chronyd chronyc
need_clockfit
need_namespaces
scratch=$(mktemp -d)
started=()
cleanup() {
  local pid n
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  for n in 1 2 3; do
    ip netns delete "cf$$-host$n" 2>/dev/null || true
    ip netns delete "cf$$-server$n" 2>/dev/null || true
  done
  rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# link A B NETWORK: two namespaces, joined.
link() {
  ip link add "$1$2" netns "cf$$-$1" type veth peer name "$2$1" netns "cf$$-$2"
  ip -n "cf$$-$1" address add "$3.1/24" dev "$1$2"
  ip -n "cf$$-$2" address add "$3.2/24" dev "$2$1"
  ip -n "cf$$-$1" link set "$1$2" up
  ip -n "cf$$-$2" link set "$2$1" up
}

# serve NAMESPACE ADDRESS OFFSET
serve() {
  ip netns exec "cf$$-$1" "$clockfit" serve --listen "$2:1123" --offset "$3" >/dev/null 2>&1 &
  started+=($!)
}

for n in 1 2 3; do
  ip netns add "cf$$-host$n"
  ip netns add "cf$$-server$n"
  ip -n "cf$$-host$n" link set lo up
  ip -n "cf$$-server$n" link set lo up
  link "host$n" "server$n" 10.88.0
done
link host1 host2 10.88.1
serve server1 10.88.0.2 0ms
serve server2 10.88.0.2 10ms
serve server3 10.88.0.2 60ms
serve host1 10.88.1.1 0ms
serve host2 10.88.1.2 0ms
sleep 1

# follow NAMESPACE: a server that follows the one of its namespace; it never steers a clock (-x).
follow() {
  local files=$scratch/$1
  mkdir -m 700 "$files"
  cat >"$files/conf" <<EOF
server 10.88.0.2 port 1123 iburst minpoll 2 maxpoll 2
port 2123
allow
cmdport 0
bindcmdaddress $files/sock
pidfile $files/pid
EOF
  ip netns exec "cf$$-$1" "${unconfined[@]}" chronyd -x -d -u root -f "$files/conf" >"$files/log" 2>&1 &
  started+=($!)
}

# The first has two addresses, of which the second has one, too.
link host2 server1 10.88.2
follow server1
follow server2
settled "cf$$-server1" "$scratch/server1"
settled "cf$$-server2" "$scratch/server2"

# measure HOST NAME SOURCES...
measure() {
  local host=$1 name=$2
  shift 2
  ip netns exec "cf$$-$host" "$clockfit" measure "$@" -d 64s -i 1s --host "$name" \
    -o "$scratch/$name.jsonl" -f json >"$scratch/$name.json" 2>"$scratch/$name.log" \
    || fail "$name: $(<"$scratch/$name.log")"
}
measuring=()
measure host1 node1 10.88.0.2:1123 10.88.1.2:1123 &
measuring+=($!)
measure host2 node2 10.88.0.2:1123 10.88.1.1:1123 &
measuring+=($!)
measure host3 node3 10.88.0.2:1123 &
measuring+=($!)
measure host1 guest1 10.88.0.2:2123 &
measuring+=($!)
measure host2 guest2 10.88.0.2:2123 10.88.2.2:2123 &
measuring+=($!)
for pid in "${measuring[@]}"; do wait "$pid"; done

# quorum NAME CODE ARGS...
quorum() {
  local name=$1 expected=$2 code=0
  shift 2
  "$clockfit" quorum -f json "$@" >"$scratch/$name.quorum" 2>"$scratch/$name.log" || code=$?
  [[ $code == "$expected" ]] \
    || fail "$name: exit code $code, not $expected: $(<"$scratch/$name.log") $(<"$scratch/$name.quorum")"
}

# holds NAME FILTER
holds() {
  jq -e "$2" "$scratch/$1.quorum" >/dev/null || {
    cat "$scratch/$1.quorum"
    fail "$1: not so: $2"
  }
}

of_three=("$scratch"/node{1,2,3}.jsonl --common 10.88.0.2:1123)
proven='def truth: {"node1 node2": 1e7, "node1 node3": 6e7, "node2 node3": 5e7}[.a + " " + .b];
  (.pairs | length) == 3
  and all(.pairs[]; .basis == "measured" and .unknown_instants == 0
    and .ahead_ns[0] <= truth and truth <= .ahead_ns[1]
    and .ahead_ns[1] - .ahead_ns[0] < 2000000)'

echo "each pair is proven, the outlier named, and two of three keep what Ceph asks for"
quorum three 1 "${of_three[@]}" --for ceph-mon
holds three "$proven"
holds three '.worst.a == "node1" and .worst.b == "node3" and .window.observed_ns > 59e9
  and (.services[0].checks[0] | .keep == ["node1", "node2"] and .outliers == ["node3"]
    and .keep_at_most == 2 and .can_lose == 0 and .pairs_fit == 1 and .pairs_unfit >= 1)'
holds three '.same_kernel == [["node1", "node2", "node3"]]'
quorum etcd 0 "${of_three[@]}" --for etcd
holds etcd '.services[] | select(.id == "etcd-peer-probe").checks[0]
  | .keep == ["node1", "node2", "node3"] and .can_lose == 1'

echo "reports say the same as recordings, if less sharply"
quorum reports 1 "$scratch"/node{1,2,3}.json --common 10.88.0.2:1123 --for ceph-mon
holds reports "${proven/2000000/4000000}"

echo "an address in common proves nothing"
quorum unnamed 1 "$scratch"/node{1,2,3}.jsonl --for ceph-mon
holds unnamed 'all(.pairs[]; .basis == "claimed") and any(.reasons[]; .code == "claimed")'

echo "a server is known by its answers, under whatever address"
for kind in jsonl json; do
  quorum "shown-$kind" 0 "$scratch"/guest{1,2}."$kind" --for etcd
  holds "shown-$kind" '.shown == [{name: "10.88.0.2:2123 = 10.88.2.2:2123", members: ["guest1", "guest2"]}]
    and .doubts == [] and (.pairs[0] | .basis == "measured" and .ahead_ns[0] <= 0 and .ahead_ns[1] >= 0)'
done

echo "and so is one that is not what it is said to be"
quorum doubt 3 "$scratch"/guest{1,2}.jsonl --common 10.88.0.2:2123 --for etcd
holds doubt '.shown == [] and .doubts[0].server == "10.88.0.2:2123"
  and .doubts[0].members == ["guest1", "guest2"] and (.contradictions | length) == 1'

echo "hosts that measure each other need no server in common"
quorum peers 0 "$scratch"/node{1,2}.jsonl --peer node1=10.88.1.1:1123 --peer node2=10.88.1.2:1123 \
  --for ceph-mon
holds peers '.pairs[0] | .basis == "measured" and .ahead_ns[0] <= 0 and .ahead_ns[1] >= 0
  and .ahead_ns[1] - .ahead_ns[0] < 1000000'

echo "evidence that cannot all be true is named"
# node1 and node2 share a clock, and their servers, said to be one, are 10 ms apart.
quorum torn 3 "$scratch"/node{1,2}.jsonl --common 10.88.0.2:1123 --peer node1=10.88.1.1:1123 --for etcd
holds torn '.contradictions[0] | (.clocks | sort) == ["10.88.0.2:1123", "the clock of node1"]
  and .members == ["node1", "node2"]'

echo "what cannot be held against each other is refused"
quorum twice 2 "$scratch"/node1.json "$scratch"/node1.jsonl
grep -q "same run" "$scratch/twice.log" || fail "twice: $(<"$scratch/twice.log")"
