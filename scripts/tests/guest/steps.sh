#!/usr/bin/env bash
# The clock of this host is stepped, forward by 3 h and back by 7 h, while it is measured: both are told,
# no exchange is wrong, and the bound holds the truth of the end.
set -euo pipefail
# shellcheck source=scripts/testbed/inside/lib.bash
source /job/lib.bash

hour=3600000000000
serve_reference
in_client clockfit measure "$server_address" -d 15s -i 20ms --timestamps kernel -f json \
  -o /out/steps.jsonl >/out/steps.json 2>/tmp/measure.log &
measuring=$!
sleep 5
reference step $((3 * hour))
sleep 5
reference step $((-7 * hour))
wait "$measuring" || fail "exit code $?: $(</tmp/measure.log)"
read -r truth error < <(reference offset)

((truth - 4 * hour <= 1000 && 4 * hour - truth <= 1000)) || fail "the truth is $truth ns, not 4 h"
# Beside what a step fell into.
report /out/steps.json '.sources[0] | .sent > 500 and .valid >= .sent - 2
    and (.rejected | del(.clock_step)) == {}'
report /out/steps.json '[.local_clock.disturbances[] | select(.what == "step")
    | [.size_ns - 10800000000000, .size_ns + 25200000000000] | map(fabs) | min]
    | length == 2 and max < 20000'
report /out/steps.json '[.warnings[] | select(.code == "local_clock_stepped")] | length == 1
    and (.[0].text | contains(" 2 times") and contains("-25200.000 s"))'
# The server has not moved.
report /out/steps.json '.sources[0].breaks == []'
holds /out/steps.json "$truth" "$error"
report /out/steps.json '.sources[0].bound_ns | .upper - .lower < 200000'
replays /out/steps
