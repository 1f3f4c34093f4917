#!/usr/bin/env bash
# Hardware stamps against a chronyd that has them too: the true offset is 0 whatever both cards' clocks
# show. Then stamps that are lost, late or moved, cards that are in use, taken away or changed, and
# interfaces on top of cards.
# Run with -n hwveth -k "phc_off_ns=250000000,-1000000 ppb=20000,-3000 pairs=2".
set -euo pipefail
# shellcheck source=scripts/testbed/inside/lib.bash
source /job/lib.bash

# measure RUN OPTION...: into /out/RUN.jsonl and /out/RUN.json.
measure() {
  local run=$1
  shift
  in_client clockfit measure "$server_address" -f json --force -o "/out/$run.jsonl" "$@" \
    >"/out/$run.json" 2>"/tmp/$run.log" || fail "$run: exit code $?: $(<"/tmp/$run.log")"
  replays "/out/$run"
  # chronyd's stamps have random bits below its precision, of 60 ns here.
  holds "/out/$run.json" "${truth:-0}" 60
}

# chronyd knows the precision of its own clock, and these are its stamps and ours.
summary() {
  jq -c '.sources[0] | {valid, stamps: .stamps.tx, class: (.class.mode + " " + .class.stamps),
      p50: .offset_ns.p50, p99_abs: .abs_offset_ns.p99, faults: .stamp_faults}' "/out/$1.json"
}

is() {
  report "/out/$1.json" "$2"
}

# How the client's card is set, by another program.
set_to() {
  in_client hwstamp_ctl -i "$client_nic" | sed -n 's/^\(tx_type\|rx_filter\) //p' | paste -sd ' '
}

is_now() {
  [[ $(set_to) == "$1" ]]
}

is_set_to() {
  is_now "$1" || fail "$client_nic is set to $(set_to), not to $1: $2"
}

set_card() {
  in_client hwstamp_ctl -i "$client_nic" -t "$1" -r "$2" >/dev/null
}

knob() {
  echo "$2" >"/sys/module/hwveth/parameters/$1"
}

mkdir -m 750 /run/server
printf '%s\n' 'local stratum 1' 'allow all' 'hwtimestamp *' 'cmdport 0' \
  'bindcmdaddress /run/server/socket' 'pidfile /run/server/pid' >/tmp/server.conf
ip netns exec server chronyd -x -u root -f /tmp/server.conf -l /tmp/server.log

echo "the kernel's stamps, with the reason, as long as the card is not set"
measure auto -n 50 -i 50ms
is auto '.sources[0] | .valid == 50 and .stamps.tx.kernel == 50 and .class.stamps == "kernel"'
is auto '.run.stamping == [{interface: "'"$client_nic"'", card: null,
    reason: "its card offers them, and is not set to"}]'
is auto '.warnings | all(.code != "no_hardware_stamps")'
is_set_to '0 0' "auto changes nothing"

# From here on chronyd has read its card often enough.
echo "hardware stamps at all four places"
measure hardware -n 1000 -i 5ms --timestamps hardware
summary hardware
is hardware '.sources[0] | .valid == 1000 and .stamps.tx.hardware >= 990
    and .stamps.rx.hardware == .stamps.tx.hardware
    and .class == {mode: "interleaved", stamps: "hardware"}'
is hardware '.sources[0] | (.offset_ns.p50 | fabs) <= 60 and .abs_offset_ns.p99 <= 300'
is hardware '.run.stamping[0].card | .clock == "'"$client_phc"'" and .was_set'
is_set_to '0 0' "set back in the end"

echo "a wire that is 1000 ns long one way moves the offset by half of that"
knob wire_ns 0,1000
measure wire -n 400 -i 5ms --timestamps hardware
summary wire
is wire '.sources[0].offset_ns.p50 - 500 | fabs <= 60'
knob wire_ns 0,0

echo "corrections do as much, told by hand"
measure corrected -n 400 -i 5ms --timestamps hardware --tx-correction "$client_nic=-600ns" \
  --rx-correction -400ns
summary corrected
# T1 earlier by 600 ns, T4 later by 400 ns.
is corrected '.sources[0].offset_ns.p50 - 100 | fabs <= 60'

echo "lost stamps are counted, and their exchanges have the kernel's"
knob rx_drop 4
measure rx_lost -n 400 -i 5ms --timestamps hardware
knob rx_drop 0
summary rx_lost
# Each fourth; the server loses as many of its own, which only widens what is measured.
# Interleaved, the last exchange gives no sample.
is rx_lost '.sources[0] | .valid == 400 and .stamp_faults == {missing_hardware_rx: 100}
    and .stamps.tx == .stamps.rx and (.stamps.tx.hardware - 300 | fabs) <= 1'
knob tx_drop 5
# An answer is held for 100 ms where its stamp is lost.
measure tx_lost -n 100 -i 20ms --timestamps hardware --mode interleaved -d 20s
knob tx_drop 0
summary tx_lost
is tx_lost '.sources[0] | .valid == 100 and .stamps.tx == .stamps.rx
    and (.stamp_faults.missing_hardware_tx | . >= 19 and . <= 21)
    and (.stamps.tx.hardware - 80 | fabs) <= 1'

echo "stamps that are 60 ms late land on their own packets"
knob tx_delay_us 60000
measure late -n 50 -i 10ms --timestamps hardware
summary late
is late '.sources[0] | .valid == 50 and .stamps.tx == .stamps.rx and .stamps.tx.hardware >= 49'
echo "those that are too late land nowhere"
knob tx_delay_us 300000
measure too_late -n 20 -i 100ms --timestamps hardware
knob tx_delay_us 0
summary too_late
is too_late '.sources[0] | .valid == 20 and .stamps.tx.kernel == 20
    and .stamp_faults.missing_hardware_tx == 20 and .stamp_faults.unknown_id > 10'

echo "a card that is set for something else is left alone, unless told otherwise"
set_card 1 12
status=0
in_client clockfit measure "$server_address" -n 1 --timestamps hardware >/tmp/refused 2>&1 || status=$?
[[ $status -eq 2 ]] || fail "in use: status $status"
grep -q 'in use.*transmit on, receive ptp_v2_event' /tmp/refused || fail "$(</tmp/refused)"
grep -q -e '--take-over-nic' /tmp/refused || fail "no way out is named: $(</tmp/refused)"
is_set_to '1 12' "in use"
measure taken -n 20 -i 20ms --timestamps hardware --take-over-nic
is taken '.sources[0].stamps.tx.hardware == 20'
is_set_to '1 12' "given back"

echo "a card that is set already is used as it is, and left so"
set_card 1 1
measure as_set -n 20 -i 20ms
is as_set '(.sources[0].stamps.tx.hardware == 20) and (.run.stamping[0].card.was_set | not)'
is_set_to '1 1' "as it was"
set_card 0 0

echo "after SIGTERM, and after SIGINT twice, it is set back"
for signals in TERM 'INT INT'; do
  # Spelled out, since a function in the background would be a shell of its own.
  ip netns exec client clockfit measure "$server_address" -i 50ms --timestamps hardware -f json \
    >/tmp/ended.json 2>/tmp/ended.log &
  measuring=$!
  wait_for 10 "the card to be set" is_now '1 1'
  sleep 1
  for signal in $signals; do kill -"$signal" "$measuring"; done
  wait "$measuring" || fail "exit code $? after $signals: $(</tmp/ended.log)"
  is_set_to '0 0' "after $signals"
  report /tmp/ended.json '.run.interrupted and .sources[0].stamps.tx.hardware > 10'
done

echo "without the capability, or the clock, it says what is missing"
unprivileged() {
  in_client unshare -U clockfit measure "$server_address" -n 1 --timestamps hardware >/tmp/refused 2>&1 \
    && fail "it ran without permission"
  grep -q "$1" /tmp/refused || fail "$(</tmp/refused)"
}
# It has no say over files, unless they are open to their owner.
unprivileged 'CAP_NET_ADMIN'
chmod 0 "$client_phc"
unprivileged "of no use without its clock: $client_phc cannot be read: Permission denied.*run as root"
chmod 600 "$client_phc"

unreachable=0
in_client clockfit measure 192.0.2.1 -n 1 --timestamps hardware >/tmp/refused 2>&1 || unreachable=$?
[[ $unreachable -eq 2 ]] || fail "without a route: status $unreachable"
grep -q 'which interface leads to 192.0.2.1:123 cannot be told (.*unreachable.*--interface' /tmp/refused \
  || fail "$(</tmp/refused)"

echo "what another program sets in mid-run is told, and stays"
in_client clockfit measure "$server_address" -d 5s -i 20ms --timestamps hardware -f json \
  -o /out/changed.jsonl --force >/out/changed.json 2>/tmp/changed.log &
measuring=$!
sleep 2
set_card 0 12
wait "$measuring" || fail "exit code $?: $(</tmp/changed.log)"
replays /out/changed
holds /out/changed.json 0 60
is changed '.sources[0] | .stamps.tx.hardware > 20 and .stamps.tx.kernel > 20 and .valid == .sent'
is changed '[.warnings[] | select(.code == "card_trouble") | .text] | length == 1
    and (.[0] | contains("somebody else changed how it stamps, to transmit off"))'
is changed '[.warnings[] | select(.code == "card_not_restored")] | length == 1'
is_set_to '0 12' "by somebody else"
set_card 0 0

echo "a card that is renamed in mid-run goes on, and is set back under its new name"
ip netns exec client clockfit measure "$server_address" -d 3s -i 20ms --timestamps hardware -f json \
  -o /out/renamed.jsonl --force >/out/renamed.json 2>/tmp/renamed.log &
measuring=$!
sleep 1
ip -n client link set "$client_nic" name renamed0
wait "$measuring" || fail "exit code $?: $(</tmp/renamed.log)"
ip -n client link set renamed0 name "$client_nic"
holds /out/renamed.json 0 60
is renamed '.sources[0] | .stamps.tx.hardware == .valid and .valid == .sent and .valid > 100'
is renamed '[.warnings[] | select(.code | startswith("card_"))] == []'
is_set_to '0 0' "renamed"

echo "another program steers and steps the card's clock: told, and no stamp is placed wrongly"
ip netns exec client clockfit measure "$server_address" -d 6s -i 10ms --timestamps hardware -f json \
  -o /out/steered.jsonl --force >/out/steered.json 2>/tmp/steered.log &
measuring=$!
sleep 1
phc_ctl -Q "$client_phc" freq 80000
sleep 1
for by in 0.005 -0.02 3; do
  phc_ctl -Q "$client_phc" -- adj "$by"
  sleep 1
done
wait "$measuring" || fail "exit code $?: $(</tmp/steered.log)"
phc_ctl -Q "$client_phc" freq 0
replays /out/steered
holds /out/steered.json 0 60
summary steered
# Each sample by itself: the truth is 0, and chronyd's stamps have 60 ns of random bits.
jq -es 'map(select(.k == "x") | .l - (.e // 1) - 60 <= 0 and 0 <= .u + (.e // 1) + 60) | all' \
  /out/steered.jsonl >/dev/null || fail "a wrong sample"
is steered '.sources[0] | .stamps.tx.hardware > 400 and .valid == .sent'
is steered '[.warnings[] | select(.code == "card_clock_stepped") | .text] | length == 1
    and (.[0] | test("by -(4\\.99|5\\.00)[0-9] ms.*3 times"))'

echo "the system's clock is stepped: told, and no stamp is placed wrongly"
in_client clockfit measure "$server_address" -d 5s -i 20ms --timestamps hardware -f json \
  -o /out/stepped.jsonl --force >/out/stepped.json 2>/tmp/stepped.log &
measuring=$!
sleep 2
reference step 5000000
wait "$measuring" || fail "exit code $?: $(</tmp/stepped.log)"
replays /out/stepped
# The server has the same clock, and steps with it; one warning for one step of this host's.
is stepped '[.warnings[] | select(.code == "local_clock_stepped")] | length == 1
    and (.[0].text | test("\\+(4\\.99|5\\.00)[0-9] ms"))'
is stepped '[.warnings[] | select(.code == "card_clock_stepped")] | length == 0'
is stepped '.sources[0] | .stamps.tx.hardware > 150'

echo "a VLAN on top: its card stamps"
modprobe 8021q
modprobe bonding
in_client ip link add link "$client_nic" name lan5 type vlan id 5
in_server ip link add link "$server_nic" name lan5 type vlan id 5
in_client ip addr add 10.2.0.1/24 dev lan5
in_server ip addr add 10.2.0.2/24 dev lan5
in_client ip link set lan5 up
in_server ip link set lan5 up
server_address=10.2.0.2 measure vlan -n 50 -i 20ms --timestamps hardware
summary vlan
is vlan '.sources[0].stamps.tx.hardware == 50'
is vlan '.run.stamping[0] | .interface == "lan5" and .card.name == "'"$client_nic"'"'
is_set_to '0 0' "beneath the VLAN"

echo "a bond of two cards with clocks of their own: each stamp by the clock of its card"
# enslave NAMESPACE ADDRESS NIC...
enslave() {
  local namespace=$1 address=$2 nic
  shift 2
  ip -n "$namespace" link add bond5 type bond mode active-backup miimon 100
  for nic in "$@"; do
    [[ -e /sys/class/net/$nic ]] && ip link set "$nic" netns "$namespace"
    ip -n "$namespace" link set "$nic" down
    ip -n "$namespace" link set "$nic" master bond5
  done
  ip -n "$namespace" address add "$address/24" dev bond5
  ip -n "$namespace" link set bond5 up
}
in_client ip link del lan5
enslave client 10.3.0.1 "$client_nic" hwv2
enslave server 10.3.0.2 "$server_nic" hwv3
wait_for 10 "the bond" in_client ping -c 1 -W 1 10.3.0.2
server_address=10.3.0.2 measure bond -n 100 -i 20ms --timestamps hardware
jq -c .run.stamping /out/bond.json
is bond '.sources[0].stamps.tx.hardware == 100 and (.run.stamping | length == 2)'
is_set_to '0 0' "beneath the bond"
in_client ip link del bond5
in_server ip link del bond5
for side in "client $client_nic $client_address" "server $server_nic $server_address"; do
  read -r namespace nic address <<<"$side"
  ip -n "$namespace" address flush dev "$nic"
  ip -n "$namespace" address add "$address/24" dev "$nic"
  ip -n "$namespace" link set "$nic" up
done
wait_for 10 "the card alone" in_client ping -c 1 -W 1 "$server_address"

echo "the card goes in mid-run"
in_client clockfit measure "$server_address" -d 6s -i 50ms --timestamps hardware -f json \
  -o /out/gone.jsonl --force >/out/gone.json 2>/tmp/gone.log &
measuring=$!
sleep 3
echo hwveth.0 >/sys/bus/platform/drivers/hwveth/unbind
wait "$measuring" || fail "exit code $?: $(</tmp/gone.log)"
replays /out/gone
is gone '.sources[0].stamps.tx.hardware > 20'
is gone '[.warnings[] | select(.code == "card_trouble") | .text] | length == 1 and (.[0] | contains("gone"))'
