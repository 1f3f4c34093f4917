#!/usr/bin/env bash
# What tcpdump captures on the client while it measures, imported, against what was measured: the same
# exchanges, by stamps of the same kernel.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

converter=${CLOCKFIT_CAPTURE_TEST:-}
[[ -x $converter ]] || could_not_run "CLOCKFIT_CAPTURE_TEST names no test executable; scripts/test does"
use_own_bed
need jq tcpdump
need_clockfit
scratch=$(mktemp -d)
trap '"$bed" down >/dev/null; rmdir "$CLOCKFIT_BED" 2>/dev/null || true; rm -rf "$scratch"' EXIT
"$bed" up

# compare MEASURED IMPORTED NANOSECONDS: each exchange of the one with that of the other whose T2 it has.
compare() {
  python3 - "$@" <<'PYTHON'
import json, math, sys

def read(name):
    precision, exchanges = None, {}
    for line in open(name):
        line = json.loads(line)
        if line.get("k") == "srv":
            precision = math.ceil(2.0 ** line["precision"] * 1e9)
        elif line.get("k") == "x":
            seconds, nanos = line["t1"].split(".")
            t1 = int(seconds) * 10**9 + int(nanos)
            # The mode, and T2: no two exchanges share it.
            exchanges[line["c"][0], t1 + line["u"]] = line
            line["e"] = line.get("e", 1) + precision
    return exchanges

measured, imported, quantum = read(sys.argv[1]), read(sys.argv[2]), int(sys.argv[3])
if measured.keys() != imported.keys():
    only = len(measured.keys() - imported.keys()), len(imported.keys() - measured.keys())
    sys.exit(f"{only[0]} exchanges were only measured, {only[1]} only captured")
early = []
for key, ours in measured.items():
    theirs = imported[key]
    # Both see the request on its way out, the capture just before the driver does; and the reply when
    # it comes in, by the same stamp. The capture's are cut to its unit.
    out, back = theirs["u"] - ours["u"], theirs["l"] - ours["l"]
    if out < 0:
        sys.exit(f"{key}: T1 of the capture is {-out} ns late")
    if not 0 <= back < quantum:
        sys.exit(f"{key}: T4 of the capture is {back} ns early")
    early.append(out)
    if theirs["r"] != ours["r"]:
        sys.exit(f"{key}: T3 differs")
    # The server keeps its offset to 1 us.
    truth, slack = 50_000_000, 1000
    if not theirs["l"] - theirs["e"] - slack <= truth <= theirs["u"] + theirs["e"] + slack:
        sys.exit(f"{key}: {theirs} does not hold {truth}")
median = sorted(early)[len(early) // 2]
modes = {mode: sum(key[0] == mode for key in measured) for mode in "BI"}
print(f"{modes} exchanges; T1 is {median} ns early (median)")
# Some 5 us on a busy machine; more would be another place.
if median > 20_000:
    sys.exit("that is too early")
PYTHON
}

# capture NAME NANOSECONDS TCPDUMP-ARGUMENT...
capture() {
  local name=$scratch/$1 quantum=$2 pid
  shift 2
  "$bed" run tcpdump -U -Z root -B 8192 "$@" -w "$name.pcap" udp port 123 2>"$name.log" &
  pid=$!
  for _ in {1..100}; do
    ! grep -q 'listening on' "$name.log" 2>/dev/null || break
    sleep 0.05
  done
  "$bed" run "$clockfit" measure 10.77.0.3 -n 500 -i 5ms --own-servers --mode auto \
    --timestamps kernel --force -f json -o "$name.jsonl" >"$name.json"
  # What is captured is handed over in blocks.
  sleep 1.5
  kill -INT "$pid"
  wait "$pid" || fail "tcpdump: $(<"$name.log")"
  grep -q '^0 packets dropped by kernel' "$name.log" || fail "tcpdump: $(<"$name.log")"
  CLOCKFIT_CAPTURE=$name.pcap CLOCKFIT_RECORDING=$name.import.jsonl \
    "$converter" --ignored --exact record >"$name.log" 2>&1 || fail "$(<"$name.log")"
  compare "$name.jsonl" "$name.import.jsonl" "$quantum" || fail "${name##*/}: the two differ"
}

capture link 1 --time-stamp-precision=nano -i client
capture micro 1000 -i client
capture any 1 --time-stamp-precision=nano -i any

# The place is known by the direction of packets, where the capture tells it.
meaning() {
  jq -r 'select(.k == "note" and .note == "imported") | .meaning' "$scratch/$1.import.jsonl"
}
[[ $(meaning any) == *"on the client's host"* ]] || fail "any: $(meaning any)"
[[ $(meaning link) == *"unknown place"* ]] || fail "link: $(meaning link)"
