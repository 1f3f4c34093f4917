#!/usr/bin/env bash
# PTP clocks as sources: found by device, interface and name, with the offset and the rate they are known
# to have, and told when they go and come back.
# Run with -k "phc_off_ns=250000000,-1000000 ppb=20000,-3000".
set -euo pipefail
# shellcheck source=scripts/testbed/inside/lib.bash
source /job/lib.bash

# clock NAME DEVICE PPB: ten seconds of a clock that runs PPB too fast.
clock() {
  local name=$1 device=$2 ppb=$3 truth
  in_client clockfit measure "phc:$name" -d 10s -i 20ms -f json --force -o /out/clock.jsonl \
    >/out/clock.json 2>/tmp/clock.log || fail "phc:$name: $(</tmp/clock.log)"
  truth=$(ahead "$device")
  # shellcheck disable=SC2016  # jq's variables
  report /out/clock.json '.sources[0] | .kind == "phc" and .address == $device and .valid == .sent
      and .valid > 300 and .lost == 0 and .server == null and .root_distance_ns == null
      and .class == {mode: "reading", stamps: "hardware"}' --arg device "$device"
  # Cross time stamps: the window is nothing, and what is left is the rate. The clock went on until
  # the other program read it: 2 s at most.
  holds /out/clock.json "$truth" $((ppb < 0 ? -2 * ppb : 2 * ppb))
  report /out/clock.json '.sources[0].bound_ns | .upper - .lower < 5000'
  # Each reading lies on one line, within 100 ns, and the line has the known rate within 0.1 ppm.
  jq -es --argjson ppb "$ppb" 'map(select(.k == "x"))
      | (first.u) as $u0 | (first.m) as $m0
      | [.[] | (.u - $u0) - (.m - $m0) * $ppb / 1e9 | fabs] | max < 100' /out/clock.jsonl >/dev/null \
    || fail "phc:$name does not gain $ppb ppb on the system clock"
  replays /out/clock
}

clock "$client_nic" "$client_phc" 20000
clock "$server_phc" "$server_phc" -3000
clock "$(<"/sys/class/ptp/${client_phc#/dev/}/clock_name")" "$client_phc" 20000

echo "the noise floor, and beside it how well a card's clock is read"
in_client clockfit floor -I "$client_nic" -d 6s -i 20ms -f json --force -o /out/floor.jsonl \
  >/out/floor.json 2>/tmp/floor.log || fail "floor: $(</tmp/floor.log)"
replays /out/floor
report /out/floor.json '(.floors | map(.class.mode) == ["basic", "interleaved"])
    and (.sources | length == 1) and (.sources[0] | .kind == "phc" and .valid > 50)'
clockfit analyse /out/floor.jsonl | grep -A 1 "^clock of $client_nic ($client_phc): n "

echo "what is no clock, or may not be read, is said"
# refused WORDS SOURCE OPTION...
refused() {
  local words=$1 status=0
  shift
  in_client clockfit measure "$@" >/tmp/refused 2>&1 || status=$?
  [[ $status -eq 2 ]] || fail "$*: status $status"
  grep -qF "$words" /tmp/refused || fail "$*: $(</tmp/refused)"
}
refused "interface lo has no PTP clock" phc:lo
refused "there is $client_phc" phc:nothing
refused "does not know TAI - UTC" "phc:$client_phc" --phc-timescale tai
chmod 0 "$client_phc"
# No say over files, unless they are open to their owner.
if unshare -U clockfit measure "phc:$client_phc" -n 1 >/tmp/refused 2>&1; then
  fail "it was read without permission"
fi
grep -q 'cannot be read: Permission denied.*run as root' /tmp/refused || fail "$(</tmp/refused)"
chmod 600 "$client_phc"

echo "a clock that goes with its NIC is told, and what was measured is kept"
in_client clockfit measure "phc:$client_phc" "phc:$server_phc" -d 6s -i 50ms -f json \
  -o /out/gone.jsonl >/out/gone.json 2>/tmp/gone.log &
measuring=$!
sleep 3
echo hwveth.0 >/sys/bus/platform/drivers/hwveth/unbind
wait "$measuring" || fail "exit code $?: $(</tmp/gone.log)"
report /out/gone.json '.sources[0] | .valid > 20 and .lost > 20 and .lost_by.refused == .lost'
report /out/gone.json '[.warnings[] | select(.code == "unreachable")] | length == 1'
report /out/gone.json '.sources[1] | .valid == .sent and .valid > 60'
replays /out/gone
