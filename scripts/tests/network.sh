#!/usr/bin/env bash
# The network under a run: an interface that goes down and comes back, an address that changes, no way
# to the server at all, and no loopback. What was measured before is kept, and what happened is said.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

need jq
need_clockfit
use_own_link 10.78.0
serve 10.78.0.2

measure() {
  ip netns exec "$client" "$clockfit" measure "$@"
}

# report NAME FILTER: what jq says of a report must be true.
report() {
  jq -e "$2" "$scratch/$1.json" >/dev/null || {
    jq '{warnings, source: (.sources[0] | {sent, valid, lost, lost_by, rejected})}' "$scratch/$1.json"
    cat "$scratch/$1.log"
    fail "$1: not so: $2"
  }
}

# adds_up NAME: every request ended once, and the recording tells the same. What waited for the link
# to come back may be answered after its time-out, or after it is forgotten.
adds_up() {
  report "$1" '.sources[0] | .sent == .valid + .lost
      and (.rejected | del(.too_late, .bogus_origin)) == {}'
  [[ $("$clockfit" analyse "$scratch/$1.jsonl" -f json) == "$(<"$scratch/$1.json")" ]] \
    || fail "$1: the replay differs"
}

# around NAME LOW HIGH: exchanges before the first and after the last of two instants, in ns.
around() {
  jq -s -e --argjson low "$2" --argjson high "$3" '[.[] | select(.k == "x") | .t1 | tonumber * 1e9]
      | (map(select(. < $low)) | length) > 10 and (map(select(. > $high)) | length) > 10' \
    "$scratch/$1.jsonl" >/dev/null || fail "$1: exchanges are missing before or after"
}

start() {
  measure 10.78.0.2 -d 6s -i 20ms -t 200ms -f json -o "$scratch/$1.jsonl" \
    >"$scratch/$1.json" 2>"$scratch/$1.log" &
  run=$!
  sleep 2
}

echo "an interface goes down and comes back"
start down
low=$(date +%s%N)
ip -n "$client" link set c down
sleep 1.5
ip -n "$client" link set c up
high=$(date +%s%N)
wait "$run" || fail "exit code $?: $(<"$scratch/down.log")"
adds_up down
around down "$low" "$high"
report down '.sources[0].lost > 5'
report down '[.warnings[].code] | index("unreachable") or index("new_socket")'

echo "the other end goes down: silence, and no word from the network"
start far
low=$(date +%s%N)
ip -n "$server" link set s down
sleep 1.5
ip -n "$server" link set s up
high=$(date +%s%N)
wait "$run" || fail "exit code $?: $(<"$scratch/far.log")"
adds_up far
around far "$low" "$high"
report far '.sources[0].lost > 5'

echo "this host gets another address"
start moved
low=$(date +%s%N)
ip -n "$client" address flush dev c
ip -n "$client" address add 10.78.0.77/24 dev c
high=$(date +%s%N)
wait "$run" || fail "exit code $?: $(<"$scratch/moved.log")"
adds_up moved
around moved "$low" $((high + 1000000000))
report moved '.warnings[] | select(.code == "new_socket") | .text
    | contains("10.78.0.77") and contains("10.78.0.1")'

echo "there is no way to the server"
begun=$(date +%s%N)
status=0
measure 198.51.100.1 -d 60s -i 100ms --own-servers -f json -o "$scratch/lost.jsonl" \
  >"$scratch/lost.json" 2>"$scratch/lost.log" || status=$?
[[ $status -eq 2 ]] || fail "exit code $status without a route"
(($(date +%s%N) - begun < 20000000000)) || fail "a server without a route was asked for too long"
grep -q '198.51.100.1.*[Nn]etwork is unreachable' "$scratch/lost.log" \
  || fail "nothing was said: $(<"$scratch/lost.log")"
report lost '.sources[0] | .valid == 0 and .sent == .lost and .lost_by.refused == .lost'
report lost '[.warnings[].code] | index("given_up")'

echo "the noise floor goes over loopback, whatever interface the sources are asked by"
floor() {
  measure 10.78.0.2 -n 30 -i 10ms -I c --floor=1s -f json -o "$scratch/$1.jsonl" \
    >"$scratch/$1.json" 2>"$scratch/$1.log" || fail "exit code $?: $(<"$scratch/$1.log")"
  adds_up "$1"
}
floor floor
report floor '(.floors | length) == 2 and .sources[0].valid == 30 and (.sources | length) == 1'

echo "without a loopback there is no noise floor, and the sources are measured all the same"
ip -n "$client" link set lo down
floor nofloor
ip -n "$client" link set lo up
report nofloor '.sources[0].valid == 30 and .floors == [] and .sources[0].floor == null'
report nofloor '[.warnings[] | select(.code == "no_floor") | .text
    | contains("noise floor in") and contains("no valid exchange")] == [true, true]'

echo "a disk fills in mid-run"
mkdir "$scratch/disk"
# shellcheck disable=SC2016  # expanded by the inner shell
ip netns exec "$client" unshare --mount sh -c '
  mount -t tmpfs -o size=32k none "$1/disk" || exit 77
  "$2" measure 10.78.0.2 -n 1000 -i 2ms -f json -o "$1/disk/run.jsonl" >"$1/full.json" 2>"$1/full.log"
  echo $? >"$1/full.status"
  cp "$1/disk/run.jsonl" "$1/full.jsonl"' sh "$scratch" "$clockfit"
[[ $(<"$scratch/full.status") -eq 2 ]] || fail "exit code $(<"$scratch/full.status") on a full disk"
grep -q 'recording is incomplete.*No space left' "$scratch/full.log" \
  || fail "nothing was said: $(<"$scratch/full.log")"
report full '.sources[0].valid > 900'
"$clockfit" analyse "$scratch/full.jsonl" -f json >"$scratch/kept.json" 2>"$scratch/kept.log" \
  || fail "what was kept cannot be read: $(<"$scratch/kept.log")"
report kept '.sources[0].valid > 100 and .run.truncated'
[[ ! -s $scratch/kept.log ]] || fail "a torn line: $(<"$scratch/kept.log")"
