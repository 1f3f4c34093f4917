#!/usr/bin/env bash
# The bed itself: its servers tell the truth they promise, and nothing stays behind.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

use_own_bed

# holds ADDRESS TRUTH_NS SLACK_NS: the interval a plain query sees must hold the true offset, but for
# the slack, which is what the server itself may be off.
holds() {
  local seen lower upper
  seen=$("$bed" run python3 "$project/scripts/testbed/query.py" "$1" 50) || fail "$1 is silent"
  echo "$seen (truth $2)"
  lower=$(sed -E 's/.*lower_ns=(-?[0-9]+).*/\1/' <<<"$seen")
  upper=$(sed -E 's/.*upper_ns=(-?[0-9]+).*/\1/' <<<"$seen")
  ((lower - $3 <= $2 && $2 <= upper + $3)) || fail "$1 is not at $2 ns: $seen"
  # An interval of seconds would hold anything.
  ((upper - lower < 5000000)) || fail "$1 answers too slowly to tell: $seen"
}

OFFSET=-0.02 DRIFT_PPM=1000 "$bed" up
holds 10.77.0.2 0 2000
holds 10.77.0.3 -20000000 5000
holds 10.77.0.5 0 2000
# At 1000 ppm a second makes 1 ms, and chronyd follows its feed with a lag of some samples.
start=$(<"$CLOCKFIT_BED/drift.start")
holds 10.77.0.4 $((($(date +%s%N) - start) / 1000)) 2000000

user=$("$bed" run-as-user id -u)
[[ $user == "$(id -u nobody)" ]] || fail "run-as-user ran as $user"
"$bed" run-as-user python3 "$project/scripts/testbed/query.py" 10.77.0.2 \
  || fail "an unprivileged user gets no answer"
status=0
"$bed" run sh -c 'exit 7' || status=$?
[[ $status -eq 7 ]] || fail "a command's status 7 came back as $status"

pids=$(cat "$CLOCKFIT_BED"/servers/*.pid)
"$bed" down
"$bed" down
[[ ! -e $CLOCKFIT_BED ]] || fail "$CLOCKFIT_BED is still there"
! ip netns list | grep -F "$CLOCKFIT_BED_PREFIX-" || fail "namespaces are still there"
for pid in $pids; do
  ! grep -aqF "$CLOCKFIT_BED" "/proc/$pid/cmdline" 2>/dev/null || fail "process $pid still runs"
done
