#!/usr/bin/env bash
# The clock of this host is stepped by 5 ms and slewed by 100 ppm while it is measured: both are found, at
# their instants, with their size. Then it is stepped while replies are under way: those exchanges are
# discarded by name, and no other.
set -euo pipefail
# shellcheck source=scripts/testbed/inside/lib.bash
source /job/lib.bash

ms=1000000
now=''
# What the wall clock says, in nanoseconds.
look() {
  # Microseconds, without a process of its own.
  now=$((${EPOCHREALTIME/./} * 1000))
}

# found INDEX KIND BEFORE AFTER FILTER: the disturbance is of that kind, what FILTER says, and happened
# between two instants of the wall clock.
found() {
  # shellcheck disable=SC2016  # jq's variables
  report /out/run.json '.local_clock.disturbances
      | map(select(.what != "frequency" and .what != "stall")) | .[$index]
      | (.at | tonumber * 1e9) as $at
      | .what == $kind and $before - .at_error_ns <= $at and $at <= $after + .at_error_ns and '"($5)" \
    --argjson index "$1" --arg kind "$2" --argjson before "$3" --argjson after "$4"
}

serve_reference
in_client clockfit measure "$server_address" -d 25s -i 20ms --timestamps kernel -f json \
  -o /out/run.jsonl >/out/run.json 2>/tmp/measure.log &
measuring=$!
instants=()
sleep 5
for change in 'step 5000000' 'slew 100000' 'slew 0'; do
  look && instants+=("$now")
  # Words on purpose: a command and its argument.
  # shellcheck disable=SC2086
  reference $change
  look && instants+=("$now")
  sleep 6
done
wait "$measuring" || fail "exit code $?: $(</tmp/measure.log)"

report /out/run.json '.local_clock.readings >= 25 and .local_clock.more_disturbances == 0'
# The emulated machine itself may be held up by its host.
report /out/run.json '[.local_clock.disturbances[].what | select(. != "stall")] | sort
    == ["frequency", "frequency", "slew", "slew", "step"]'
# Of a step the instant is told as the clock was set; requests are 20 ms apart, more or less.
found 0 step "$((instants[0] + 5 * ms))" "${instants[1]}" \
  '(.size_ns - 5000000 | fabs) <= 20000 and .size_error_ns < 20000 and .at_error_ns < 40000000'
# The lines before and after meet where the rate changed, though readings are a second apart.
found 1 slew "${instants[2]}" "${instants[3]}" \
  '(.to_ppb - .from_ppb - 100000 | fabs) <= 5000 and .rate_error_ppb < 5000 and .at_error_ns < 100000000'
found 2 slew "${instants[4]}" "${instants[5]}" \
  '(.from_ppb - .to_ppb - 100000 | fabs) <= 5000 and .rate_error_ppb < 5000 and .at_error_ns < 100000000'
report /out/run.json '[.local_clock.disturbances[] | select(.what == "frequency") | .to_ppb]
    == [100000, 0]'
# One warning, of the step.
report /out/run.json '[.warnings[] | select(.source == null) | .code] == ["local_clock_stepped"]'
replays /out/run

# Replies are under way for 300 ms, so that some 15 are when the clock is set back.
modprobe sch_netem
in_server tc qdisc add dev "$server_nic" root netem delay 300ms
in_client clockfit measure "$server_address" -d 6s -i 20ms --timestamps kernel -f json \
  -o /out/hit.jsonl >/out/hit.json 2>/tmp/measure.log &
measuring=$!
sleep 3
reference step $((-20 * ms))
wait "$measuring" || fail "exit code $?: $(</tmp/measure.log)"
report /out/hit.json '.sources[0] | .rejected | keys == ["clock_step"] and .clock_step >= 8 and .clock_step <= 25'
report /out/hit.json '.sources[0] | .sent == .valid + .lost + .rejected.clock_step and .valid > 150'
# An exchange with one end before the step would be off by half of it; the others are apart by none or all.
jq -se 'map(select(.k == "x") | (.u + .l) / 2) | .[0] as $first
    | all(. - $first | fabs < 1000000 or (. - 20000000 | fabs) < 1000000)' /out/hit.jsonl >/dev/null \
  || fail "an exchange that the step fell into was kept"
replays /out/hit
