#!/usr/bin/env bash
# Cards are told as they are, set to stamp, and set back, seen by a second program (hwstamp_ctl).
#
# Runs with `stamping` beside it, the test executable of tests/stamping.rs, on NICs of any kind.
set -euo pipefail
# shellcheck source=scripts/testbed/inside/lib.bash
source /job/lib.bash

card=$client_nic
# What a command is run with to be where the card is.
at=(ip netns exec client env)
at_card() {
  "${at[@]}" "$@"
}

# How the card is set, by another program: "tx_type 1, rx_filter 1".
set_to() {
  at_card hwstamp_ctl -i "$card" | sed -n 's/^\(tx_type\|rx_filter\) /&/p' | paste -sd , | sed 's/,/, /'
}

is_set_to() {
  local seen
  seen=$(set_to)
  [[ $seen == "$1" ]] || fail "$card: $2: set to $seen, not to $1"
}

# hold NAME=VALUE...: sets the card, in the background, with the log in $log.
hold() {
  log=/tmp/hold.$((++held))
  # Spelled out, since a function in the background would be a shell of its own.
  "${at[@]}" CLOCKFIT_NIC="$card" "$@" stamping --ignored --exact hold --nocapture >"$log" 2>&1 &
  holder=$!
  wait_for 10 "the holder of $card" grep -qs '^set: \|^refused: ' "$log"
}

# ends: tells it to end; its status is left to the caller.
ends() {
  kill -TERM "$holder"
  wait "$holder"
}

outlook() {
  at_card clockfit nic -f json "$card" | sed -n 's/.*"code": "\(.*\)".*/\1/p'
}

# What is set, by the kernel's numbers: nothing; sent packets; all packets both ways; PTP both ways.
off='tx_type 0, rx_filter 0' sent='tx_type 1, rx_filter 0'
all='tx_type 1, rx_filter 1' ptp='tx_type 1, rx_filter 12'

# card_restores SET: whichever way it ends, what was there is back; SET is what it can be set to.
card_restores() {
  local end status
  is_set_to "$off" "at the start"
  for end in return restore panic; do
    hold CLOCKFIT_END=$end
    is_set_to "$1" "meanwhile"
    if ends; then status=0; else status=$?; fi
    [[ $status -eq 0 || $end == panic ]] || fail "$card: status $status after $end"
    grep -q '^check: unchanged' "$log" || fail "$card: $(cat "$log")"
    is_set_to "$off" "after $end"
  done
}

# A setting in use is left alone, unless told otherwise; then it comes back.
card_in_use() {
  at_card hwstamp_ctl -i "$card" -t 1 -r 12 >/dev/null
  is_set_to "$ptp" "by another program"
  hold
  wait "$holder"
  grep -q '^refused: .*in use.*transmit on, receive ptp_v2_event' "$log" || fail "$card: $(cat "$log")"
  is_set_to "$ptp" "in use"
  hold CLOCKFIT_TAKE_OVER=1
  is_set_to "$1" "taken over"
  ends
  is_set_to "$ptp" "given back"
  at_card hwstamp_ctl -i "$card" -t 0 -r 0 >/dev/null
}

# What another program sets meanwhile stays.
card_changed() {
  hold CLOCKFIT_END=restore
  at_card hwstamp_ctl -i "$card" -t 0 -r 12 >/dev/null
  ends
  grep -q '^check: .*somebody else' "$log" || fail "$card: $(cat "$log")"
  grep -q '^restore: .*somebody else' "$log" || fail "$card: $(cat "$log")"
  is_set_to 'tx_type 0, rx_filter 12' "by somebody else"
  at_card hwstamp_ctl -i "$card" -t 0 -r 0 >/dev/null
}

# Renamed, it is still the same card; one that took its name is not touched.
card_renamed() {
  modprobe veth
  hold
  at_card ip link set "$card" down
  at_card ip link set "$card" name renamed0
  at_card ip link add "$card" type veth
  ends
  at_card ip link del "$card"
  at_card ip link set renamed0 name "$card"
  at_card ip link set "$card" up
  is_set_to "$off" "renamed"
}

# Without the capability it says which.
card_unprivileged() {
  log=/tmp/unprivileged
  # A user namespace of its own has no say over the network.
  at_card unshare -U env CLOCKFIT_NIC="$card" stamping --ignored --exact hold --nocapture \
    >"$log" 2>&1
  grep -q '^refused: .*CAP_NET_ADMIN' "$log" || fail "$card: $(cat "$log")"
  is_set_to "$off" "without the capability"
  # Nor over files, unless they are open to their owner.
  local clock
  clock=$(at_card clockfit nic -f json "$card" | sed -n 's/.*"device": "\(.*\)".*/\1/p')
  chmod 0 "$clock"
  at_card unshare -U clockfit nic "$card" >"$log"
  chmod 600 "$clock"
  grep -q "$clock.*this user may not read it" "$log" || fail "$card: $(cat "$log")"
}

# A card that goes takes its setting with it, and that is said.
card_vanishes() {
  local device
  device=$(at_card readlink -f "/sys/class/net/$card/device")
  hold CLOCKFIT_END=restore
  basename "$device" >"$device/driver/unbind"
  ends
  grep -q '^check: .*has gone' "$log" || fail "$card: $(cat "$log")"
  grep -q '^restore: .*has gone' "$log" || fail "$card: $(cat "$log")"
}

card_refuses() {
  hold
  wait "$holder"
  grep -q '^refused: .*offers no hardware' "$log" || fail "$card: $(cat "$log")"
}

held=0
at_card clockfit nic "$card"
seen=$(outlook)
case $seen in
  hardware_offered)
    card_restores "$all"
    card_in_use "$all"
    card_changed
    ;;
  hardware_one_way)
    card_restores "$sent"
    # The filter that was there is the best that this card takes.
    card_in_use "$ptp"
    card_changed
    ;;
  *)
    card_refuses
    ;;
esac
if [[ $seen == hardware_* ]]; then
  card_unprivileged
  card_renamed
  card_vanishes
fi
echo "$card: $seen, as it should be"
