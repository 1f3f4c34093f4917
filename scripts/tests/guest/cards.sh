#!/usr/bin/env bash
# Real drivers, asked for hardware stamps: what each card cannot do ends in the best honest pair, with the
# reason, and the card is set as it was, after SIGTERM too.
set -euo pipefail
# shellcheck source=scripts/testbed/inside/lib.bash
source /job/lib.bash

# How the client's card is set, by another program; nothing where it cannot be set.
set_to() {
  { in_client hwstamp_ctl -i "$client_nic" 2>/dev/null || true; } \
    | sed -n 's/^\(tx_type\|rx_filter\) //p' | paste -sd ' '
}

serve_reference
before=$(set_to)
in_client clockfit measure "$server_address" -n 50 -i 20ms --timestamps hardware -f json \
  -o /out/run.jsonl >/out/run.json 2>/tmp/run.log || fail "exit code $?: $(</tmp/run.log)"
replays /out/run
holds /out/run.json 0
clockfit analyse /out/run.jsonl | sed -n '/hardware stamps/,/^$/p'
jq -c '.sources[0] | {class: .class.stamps, stamps, faults: .stamp_faults}' /out/run.json
report /out/run.json '.sources[0].valid == 50 and (.sources[0].stamps.tx.hardware == 0)'
[[ $(set_to) == "$before" ]] || fail "$client_nic is set to $(set_to), was $before"

case $(basename "$(in_client readlink "/sys/class/net/$client_nic/device/driver")") in
  igb)
    # No receive filter that it takes has NTP packets in it.
    reason='its card stamps NTP packets one way only' class=kernel faults='{}'
    ;;
  e1000e)
    # It takes the setting and delivers nothing.
    reason='' class=kernel faults='{missing_hardware_rx: 50}'
    ;;
  vmxnet3)
    # Not even the kernel can stamp what is sent.
    reason='its driver offers none' class=user/kernel faults='{missing_tx: 50}'
    ;;
  virtio_net)
    reason='its driver offers none' class=kernel faults='{}'
    ;;
  *) fail "an unknown card" ;;
esac
report /out/run.json ".sources[0] | .class.stamps == \"$class\" and .stamp_faults == $faults"
if [[ -n $reason ]]; then
  report /out/run.json ".run.stamping[0].reason == \"$reason\""
  report /out/run.json "[.warnings[] | select(.code == \"no_hardware_stamps\")] | length == 1
      and (.[0].text | contains(\"$reason\"))"
else
  report /out/run.json '.run.stamping[0].card.was_set'
  report /out/run.json '[.warnings[] | select(.code == "hardware_stamps_missing")] | length == 1'
fi

# Spelled out, since a function in the background would be a shell of its own.
ip netns exec client clockfit measure "$server_address" -i 50ms --timestamps hardware -f json \
  >/tmp/ended.json 2>/tmp/ended.log &
measuring=$!
sleep 2
kill -TERM "$measuring"
wait "$measuring" || fail "exit code $? after SIGTERM: $(</tmp/ended.log)"
[[ $(set_to) == "$before" ]] || fail "$client_nic is set to $(set_to) after SIGTERM, was $before"
report /tmp/ended.json '.run.interrupted and .sources[0].valid > 10'
