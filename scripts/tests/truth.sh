#!/usr/bin/env bash
# Against real servers of known truth, as root and as an unprivileged user, in both modes: the kernel
# stamps nearly every exchange at both ends, and every single one holds the truth.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

use_own_bed
need jq
need_clockfit

scratch=$(mktemp -d)
chmod 777 "$scratch"
trap '"$bed" down >/dev/null; rmdir "$CLOCKFIT_BED" 2>/dev/null || true; rm -rf "$scratch"' EXIT
install -m 755 "$clockfit" "$scratch/clockfit"

"$bed" up

# holds RECORDING TRUTH_NS SLACK_NS: every exchange, with the error of its stamps and the server's
# precision, and nothing else but the slack: what the server itself may be off.
holds() {
  python3 - "$@" <<'PYTHON'
import json, math, sys
truth, slack = int(sys.argv[2]), int(sys.argv[3])
precision, n, offsets = None, 0, []
for line in open(sys.argv[1]):
    line = json.loads(line)
    if line.get("k") == "srv":
        precision = math.ceil(2.0 ** line["precision"] * 1e9)
    elif line.get("k") == "x":
        e = line.get("e", 1) + precision + slack
        if not line["l"] - e <= truth <= line["u"] + e:
            sys.exit(f"exchange {n} claims [{line['l']} - {e}, {line['u']} + {e}], not {truth}")
        offsets.append((line["u"] + line["l"]) / 2)
        n += 1
if n < 1990:
    sys.exit(f"only {n} exchanges")
print(f"{n} exchanges hold {truth} ns, median {sorted(offsets)[n // 2]:.0f} ns")
PYTHON
}

# measure USER ADDRESS TRUTH_NS SLACK_NS MODE
measure() {
  local run=$1 address=$2 truth=$3 slack=$4 mode=$5 name=$scratch/$1-$2
  echo "$run $address $mode"
  "$bed" "$run" "$scratch/clockfit" measure "$address" -n 2000 -i 5ms --own-servers \
    --mode "$mode" --timestamps kernel --force -f json -o "$name.jsonl" >"$name.json" || fail "$address was not measured"
  # 99.9 % of all exchanges, at both ends.
  jq -e '.sources[0] | .valid >= 1990 and .sent == 2000
      and ([.stamps.tx.kernel, .stamps.rx.kernel] | min) * 1000 >= .valid * 999' \
    "$name.json" >/dev/null || fail "stamps: $(jq -c '.sources[0] | [.sent, .valid, .stamps]' "$name.json")"
  # chronyd answers the third request interleaved; what falls due while one is out is basic.
  jq -e --arg mode "${mode/auto/interleaved}" '.sources[0] | .class == {mode: $mode, stamps: "kernel"}
      and .offset_ns.n >= 1900' "$name.json" >/dev/null \
    || fail "class: $(jq -c '.sources[0] | [.class, .offset_ns.n]' "$name.json")"
  holds "$name.jsonl" "$truth" "$slack" || fail "$address lies outside"
  # Speed is not asserted, only that nothing is off by more than this machine could explain.
  jq -e --argjson truth "$truth" '.sources[0].offset_ns.p50 - $truth | fabs < 50000' "$name.json" \
    >/dev/null || fail "p50 is $(jq '.sources[0].offset_ns.p50' "$name.json"), truth $truth"
  jq -e --argjson truth "$truth" --argjson slack "$slack" '.sources[0].bound_ns
      | .lower - $slack <= $truth and $truth <= .upper + $slack' "$name.json" >/dev/null \
    || fail "bound: $(jq -c '.sources[0].bound_ns' "$name.json")"
  [[ $("$scratch/clockfit" analyse "$name.jsonl" -f json) == "$(<"$name.json")" ]] \
    || fail "the replay differs"
}

# .2 is this machine's own clock; .3 is held at its offset to 1 us by chronyd.
measure run 10.77.0.2 0 0 auto
measure run-as-user 10.77.0.2 0 0 basic
measure run-as-user 10.77.0.2 0 0 interleaved
measure run-as-user 10.77.0.3 50000000 1000 auto
jq -e '.host.privileged == false' "$scratch/run-as-user-10.77.0.2.json" >/dev/null \
  || fail "it ran as root"
