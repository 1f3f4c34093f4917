#!/usr/bin/env bash
# The machine itself: its NICs stamp at the instants and on the clocks they promise, go and come back as
# real ones do, and the reference stays where it is whatever happens to the clock.
# Run with -k "phc_off_ns=250000000,-1000000 ppb=20000,-3000".
set -euo pipefail
# shellcheck source=scripts/testbed/inside/lib.bash
source /job/lib.bash

# near WHAT VALUE TRUTH SLACK: whole numbers.
near() {
  echo "$1: $2 (truth $3)"
  (($2 - $3 <= $4 && $3 - $2 <= $4)) || fail "$1 is $2, not $3 to within $4"
}

# The reference minus the system clock.
reference_offset() {
  reference offset | cut -d' ' -f1
}

now_ns() {
  echo "${EPOCHREALTIME/./}000"
}

echo "PTP clocks have the asked offsets and rates"
client=$(ahead "$client_phc") server=$(ahead "$server_phc") begin=$(now_ns)
# They have run away since they were made, for well below a second.
near "client's PTP clock" "$client" 250000000 20000
near "server's PTP clock" "$server" -1000000 3000
sleep 10
client=$(($(ahead "$client_phc") - client)) server=$(($(ahead "$server_phc") - server))
passed=$(($(now_ns) - begin))
# Readings are taken up to 50 ms from those of the time: 1 us at 20 ppm.
near "gain of the client's" "$client" $((passed * 20 / 1000000)) 1000
near "gain of the server's" "$server" $((passed * -3 / 1000000)) 200

echo "the reference is moved by nothing"
near "reference" "$(reference_offset)" 0 1000
reference step 10800000000000
near "reference after a step of 3 h" "$(reference_offset)" -10800000000000 1000
reference step -25200000000000
near "reference after one of -7 h" "$(reference_offset)" 14400000000000 1000
reference step 14400000000000
near "reference after stepping back" "$(reference_offset)" 0 1000
begin=$(now_ns)
reference slew 100000
sleep 10
reference slew 0
near "reference after a slew of 100 ppm" "$(reference_offset)" $((($(now_ns) - begin) / -10000)) 5000

echo "chronyd finds hardware stamps at both ends, and an offset of 0"
# chronyd wants its sockets where others may not go.
mkdir -m 750 /run/server /run/client
# start NAMESPACE LINE...: a chronyd that steers nothing.
start() {
  printf '%s\n' "${@:2}" 'hwtimestamp *' 'cmdport 0' "bindcmdaddress /run/$1/socket" \
    "pidfile /run/$1/pid" >"/tmp/$1.conf"
  ip netns exec "$1" chronyd -x -u root -f "/tmp/$1.conf" -l "/tmp/$1.log"
}
# rows: the last 50 exchanges of chronyd's log, without its headings.
rows() {
  grep -F "$server_address" /tmp/measurements.log | tail -n 50
}
# The median of their offsets (column 12, in seconds), in nanoseconds.
median() {
  rows | awk '{ printf "%.0f\n", $12 * 1e9 }' | sort -n | sed -n 25p
}
# The last two columns say who stamped: D the daemon, K the kernel, H the hardware.
hardware() {
  rows | grep -cE 'H H$' || true
}
start server 'local stratum 1' 'allow all'
# Only looked at, so that the client corrects nothing by it.
start client "server $server_address minpoll -4 maxpoll -4 xleave noselect" 'logdir /tmp' \
  'log rawmeasurements'
sleep 8
near "exchanges with hardware stamps" "$(hardware)" 50 0
near "offset" "$(median)" 0 60

echo "knobs"
knob() {
  echo "$2" >"/sys/module/hwveth/parameters/$1"
}
# Only the server's packets arrive late: T2 is late by it, and the offset by half of that.
knob wire_ns 0,1000
sleep 5
near "offset over a wire of 1000 ns one way" "$(median)" 500 60
knob wire_ns 0,0
knob tx_drop 5
knob rx_drop 4
sleep 5
# An interleaved exchange takes the transmit stamps of both hosts and one receive stamp of the client.
near "exchanges with hardware stamps, when some are lost" "$(hardware)" 30 15
knob tx_drop 0
knob rx_drop 0

echo "a NIC goes with its clock, and comes back"
driver=/sys/bus/platform/drivers/hwveth
[[ $(in_client readlink -f "/sys/class/net/$client_nic/device/driver") == "$driver" ]] \
  || fail "the NIC names no driver"
echo hwveth.0 >"$driver/unbind"
! in_client ip link show dev "$client_nic" 2>/dev/null || fail "the NIC is still there"
[[ ! -e $client_phc ]] || fail "its PTP clock is still there"
in_server ip link show dev "$server_nic" | grep -q NO-CARRIER || fail "the other end did not notice"
sleep 1
echo hwveth.0 >"$driver/bind"
ip link set "$client_nic" netns client
ip -n client address add "$client_address/24" dev "$client_nic"
ip -n client link set "$client_nic" up
wait_for 5 "an answer after it came back" in_client ping -c 1 -W 1 "$server_address"

echo "the driver unloads in the midst of it all"
in_client ping -i 0.01 -w 5 "$server_address" >/dev/null 2>&1 &
knob tx_delay_us 60000
sleep 1
rmmod hwveth
wait
# What the kernel thought of all that.
! dmesg | grep -E 'WARNING|BUG|Oops|refcount|waiting for' || fail "the kernel complains"
