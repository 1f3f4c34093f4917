#!/usr/bin/env bash
# Logs of a real chronyd about servers of known truth, and a capture of its packets in the same minute,
# analysed as our own recordings are: what chronyd measured, what it estimated and what the capture shows
# agree with the truth and with what clockfit measured meanwhile, within what each format leaves open.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

use_own_bed
need jq tcpdump
need_clockfit

scratch=$(mktemp -d)
started=()
# shellcheck disable=SC2317  # reached through the trap
clean_up() {
  local pid
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  "$bed" down >/dev/null
  rmdir "$CLOCKFIT_BED" 2>/dev/null || true
  rm -rf "$scratch"
}
trap clean_up EXIT

"$bed" up


# follow NAME LINE...: a chronyd in the client's namespace that steers nothing (-x), with its logs in
# $scratch/NAME.
follow() {
  local name=$1
  shift
  mkdir "$scratch/$name"
  cat >"$scratch/$name.conf" <<CONF
$(printf '%s\n' "$@")
port 0
cmdport 0
bindcmdaddress /
pidfile $scratch/$name.pid
logdir $scratch/$name
log rawmeasurements statistics tracking
CONF
  # "bed run" becomes the command it runs, so the process is ours to end.
  "$bed" run "${unconfined[@]}" chronyd -x -d -u root -f "$scratch/$name.conf" \
    2>"$scratch/$name.log" >&2 &
  started+=($!)
}

"$bed" run tcpdump -U -Z root -B 8192 -i any --time-stamp-precision=nano -w "$scratch/chronyd.pcap" \
  udp port 123 2>"$scratch/tcpdump.log" &
capture=$!
started+=("$capture")
for _ in {1..100}; do
  ! grep -q 'listening on' "$scratch/tcpdump.log" 2>/dev/null || break
  sleep 0.05
done

# Not selected, chronyd's clock stays the system's; selected, chronyd knows what it would correct.
follow measured 'server 10.77.0.2 noselect minpoll -4 maxpoll -4 xleave' \
  'server 10.77.0.3 noselect minpoll -4 maxpoll -4'
follow selected 'server 10.77.0.3 minpoll -4 maxpoll -4'

# enough FILE COUNT: the log has so many lines.
enough() {
  [[ $(wc -l 2>/dev/null <"$1") -ge $2 ]]
}

"$bed" run "$clockfit" measure 10.77.0.2 10.77.0.3 -n 300 -i 50ms --timestamps kernel -f json \
  >"$scratch/measured.json" &
measuring=$!

for _ in {1..300}; do
  if enough "$scratch/measured/measurements.log" 400 && enough "$scratch/selected/tracking.log" 150; then
    break
  fi
  sleep 0.1
done
wait "$measuring" || fail "measure: $(<"$scratch/measured.json")"
# What is captured is handed over in blocks.
sleep 1.5
kill -INT "$capture"
wait "$capture" || fail "tcpdump: $(<"$scratch/tcpdump.log")"
grep -q '^0 packets dropped by kernel' "$scratch/tcpdump.log" || fail "$(<"$scratch/tcpdump.log")"
for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
wait
started=()

# report LOG FORMAT: the log's report as JSON, which names the format.
report() {
  "$clockfit" analyse "$scratch/$1" -f json >"$scratch/report.json" || fail "$1 cannot be analysed"
  jq -e --arg format "$2" '.run.imported.format == $format and .run.axis == "local_clock"' \
    "$scratch/report.json" >/dev/null || fail "$1 is taken for $(jq -c .run "$scratch/report.json")"
}

# check ADDRESS TRUTH_NS OPEN_NS FILTER: of this source the filter holds. In it, near(WITHIN) tells of an
# offset whether it is the truth, within what was left open, and WITHIN.
check() {
  jq -e --arg address "$1" --argjson truth "$2" --argjson open "$3" "
    def near(within): . - \$truth | fabs <= \$open + within;
    .sources[] | select(.address == \$address) | $4" "$scratch/report.json" >/dev/null \
    || fail "$1: $(jq -c --arg address "$1" '.sources[] | select(.address == $address)
        | [.valid, .rejected, .offset_ns, .delay_ns, .bound_ns]' "$scratch/report.json")"
}

# Each exchange is off by half of its delay at most, and chronyd's interval proves the truth. The server
# that is 50 ms ahead is so within a microsecond, and four digits of that are steps of 10 us.
# shellcheck disable=SC2016  # these are jq's variables
exchanges='(.valid >= 100)
  and (.delay_ns.max / 2) as $half | all(.offset_ns.min, .offset_ns.p50, .offset_ns.max; near($half))
  and .bound_ns.lower - $open <= $truth and $truth <= .bound_ns.upper + $open'
report measured/measurements.log 'chrony measurements.log'
check 10.77.0.2 0 1000 "$exchanges"
check 10.77.0.3 50000000 6000 "$exchanges"
check 10.77.0.2 0 1000 '.stamps.tx.kernel >= 100 and .class.mode == "interleaved"'
echo "measurements: $(jq -c '[.sources[] | [.address, .valid, .offset_ns.p50]]' "$scratch/report.json")"

# The mean of estimates, which chronyd makes of exchanges whose replies leave later than it says: each uses
# most exchanges of the one before, so they are worth too few for a median.
report measured/statistics.log 'chrony statistics.log'
check 10.77.0.2 0 1000 '.valid >= 80 and (.offset_ns.mean | near(20000)) and .bound_ns == null'
check 10.77.0.3 50000000 6000 '.valid >= 80 and (.offset_ns.mean | near(20000)) and .bound_ns == null'
echo "statistics: $(jq -c '[.sources[] | [.address, .valid, .offset_ns.mean]]' "$scratch/report.json")"

# What chronyd would correct and may not: the system's clock is behind by all of it.
report selected/tracking.log 'chrony tracking.log'
check chronyd 50000000 6000 '.kind == "daemon" and .valid >= 100 and (.offset_ns.mean | near(20000))'
echo "tracking: $(jq -c '[.sources[] | [.address, .valid, .offset_ns.mean]]' "$scratch/report.json")"

# The capture has chronyd's exchanges and ours, by stamps taken a little before the driver's.
"$clockfit" analyse "$scratch/chronyd.pcap" -f json >"$scratch/report.json" || fail "the capture cannot be analysed"
jq -e '.run.imported.format == "pcap" and (.run.imported.meaning | contains("on the client'"'"'s host"))' \
  "$scratch/report.json" >/dev/null || fail "the capture is taken for $(jq -c .run "$scratch/report.json")"

# together WHAT REPORT QUANTUM_NS: what the report proves of each server and what clockfit measured of it
# can both be true, and the medians differ by no more than the quantum and what half of both delays allows.
# Servers keep their offset to 1 us, and each number may be another one's microsecond.
together() {
  jq -n -r --slurpfile ours "$scratch/measured.json" --slurpfile theirs "$2" \
    --arg what "$1" --argjson quantum "$3" '
    $ours[0].sources[] as $our | $theirs[0].sources[] | select(.address == $our.address) | . as $their
    | {of: .address, n: .valid, ours: $our.offset_ns.p50, theirs: .offset_ns.p50,
       apart: ((.offset_ns.p50 - $our.offset_ns.p50) | fabs),
       allowed: ($quantum + 1000 + (.delay_ns.p50 + $our.delay_ns.p50) / 2)}
    | . + {fits: (.apart <= .allowed
        and $their.bound_ns.lower - 2000 <= $our.bound_ns.upper
        and $our.bound_ns.lower - 2000 <= $their.bound_ns.upper)}
    | "\($what): \(.)", (if .fits then empty else error("\($what) differs: \(.)") end)' \
    || fail "$1 does not agree with what was measured"
}
together capture "$scratch/report.json" 1
report measured/measurements.log 'chrony measurements.log'
# Four digits of 50 ms are 10 us.
together measurements "$scratch/report.json" 5000
