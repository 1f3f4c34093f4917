#!/usr/bin/env bash
# clockfit's server as a real client sees it that asks for interleaved mode (RFC 9769): chronyd is
# told the kernel's transmit stamps, and every single one fits the exchange it is used for.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

need chronyc chronyd python3
need_clockfit
use_own_link 10.79.0
ip -n "$server" address add 10.79.0.3/24 dev s
serve 10.79.0.2
serve 10.79.0.3 --offset 50ms

# Sixteen requests a second to each, never steering anything: -x, and no source is ever selected.
cat >"$scratch/chrony.conf" <<EOF
server 10.79.0.2 minpoll -4 maxpoll -4 xleave noselect
server 10.79.0.3 minpoll -4 maxpoll -4 xleave noselect
port 0
cmdport 0
bindcmdaddress $scratch/chronyd.sock
pidfile $scratch/chronyd.pid
logdir $scratch
log rawmeasurements
EOF
ip netns exec "$client" "${unconfined[@]}" \
  chronyd -x -d -u root -f "$scratch/chrony.conf" 2>"$scratch/chronyd.log" &
started+=($!)

# enough COUNT: so many exchanges with each server are in the log.
enough() {
  local address
  for address in 10.79.0.2 10.79.0.3; do
    [[ $(grep -c " $address " "$scratch/measurements.log" 2>/dev/null) -ge $1 ]] || return 1
  done
}
for _ in {1..300}; do
  ! enough 200 || break
  sleep 0.1
done
enough 200 || fail "chronyd measured too little: $(tail -n 3 "$scratch/chronyd.log")"

for address in 10.79.0.2 10.79.0.3; do
  chronyc -h "$scratch/chronyd.sock" ntpdata "$address" >"$scratch/ntpdata-$address"
  for line in 'Interleaved +: Yes' 'TX timestamping +: Kernel' 'RX timestamping +: Kernel'; do
    grep -qE "^$line" "$scratch/ntpdata-$address" \
      || fail "$address: no \"$line\": $(<"$scratch/ntpdata-$address")"
  done
done

# Two things are asserted, neither of which a busy machine can break:
# - the truth lies within half the delay of each offset, since no packet arrives before it was sent.
#   A stamp of another exchange would be off by a poll interval of 62 ms. The slack of 100 ns is for
#   chronyd's own arithmetic.
# - the median is within 5 us of the truth. Both stamps of one way are taken in one run of the kernel,
#   less than 1 us apart on an idle machine; load in other processes does not come between them, so
#   more than half of all exchanges had to be hit by an interrupt to move the median that far.
check() {
  python3 - "$scratch" "$@" <<'PYTHON'
import re, sys
folder, address, truth = sys.argv[1], sys.argv[2], float(sys.argv[3])

def holds(offset, delay, rounding, what):
    if abs(offset - truth) > delay / 2 + 1e-7 + rounding:
        sys.exit(f"{address}: offset {offset:.9f} s, delay {delay:.9f} s, truth {truth} s ({what})")

# The log has four significant digits.
rounding = truth * 1e-4
offsets, basic = [], 0
for line in open(f"{folder}/measurements.log"):
    field = line.split()
    if len(field) != 20 or field[2] != address:
        continue
    # Offset and delay; last the mode and who stamped.
    offset, delay, mode = float(field[11]), float(field[12]), " ".join(field[17:])
    holds(offset, delay, rounding, mode)
    if mode == "4I K K":
        offsets.append(offset)
    else:
        basic += 1
# A server that does not get to run for a poll interval costs a basic exchange.
if len(offsets) < 3 * basic:
    sys.exit(f"{address}: {len(offsets)} exchanges were interleaved, {basic} were not")
median = sorted(offsets)[len(offsets) // 2] - truth
if abs(median) > 5e-6 + rounding:
    sys.exit(f"{address}: the median is off by {median:.9f} s")

ntpdata = open(f"{folder}/ntpdata-{address}").read()
last = [float(re.search(name + r" +: ([-+]?[0-9.]+) seconds", ntpdata)[1])
        for name in ("Offset", "Peer delay")]
holds(*last, 0, "chronyc ntpdata")
print(f"{address}: {len(offsets)} interleaved, {basic} basic, median off by {median * 1e9:.0f} ns")
PYTHON
}
check 10.79.0.2 0 || fail "the honest server"
check 10.79.0.3 0.05 || fail "the lying server"
