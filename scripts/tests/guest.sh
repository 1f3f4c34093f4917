#!/usr/bin/env bash
# In the emulated machine: what takes NICs with clocks of their own, and a clock that may be stepped.
# Each script of scripts/tests/guest runs in a machine of its own.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

guest=$project/scripts/testbed/guest
need_clockfit
# The one test of tests/stamping.rs holds a card's setting, while a script looks at the card.
stamping=${CLOCKFIT_STAMPING:-}
[[ -x $stamping ]] || could_not_run "CLOCKFIT_STAMPING names no test executable; scripts/test does"

scratch=$(mktemp -d)
running=''
finish() {
  # It may be a shell that waits for the machine, and ends that first.
  [[ -z $running ]] || kill "$running" 2>/dev/null || true
  wait
  rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM

# in_background CMD...: so that the end of the test is also that of the machine.
in_background() {
  "$@" &
  running=$!
  local status=0
  wait "$running" || status=$?
  running=''
  return "$status"
}

# Programs that go along with the script.
programs=("$clockfit")

# inside NAME OPTION...: by instructions executed, so that the same happens every time.
inside() {
  local name=$1 begin=$SECONDS
  shift
  echo "guest: $name"
  in_background "$guest" run -i -t 120 "$@" "$project/scripts/tests/guest/$name.sh" "${programs[@]}" \
    || fail "$name: status $?"
  echo "took $((SECONDS - begin)) s"
}

status=0
in_background "$guest" prepare >"$scratch/prepare.log" 2>&1 || status=$?
cat "$scratch/prepare.log"
[[ $status -ne 77 ]] || could_not_run "$(tail -n 1 "$scratch/prepare.log")"
[[ $status -eq 0 ]] || fail "the machine could not be prepared"

# A clock ahead by 250 ms that gains 20 ppm, and one behind by 1 ms that loses 3 ppm.
clocks=(-k 'phc_off_ns=250000000,-1000000 ppb=20000,-3000')
inside machine "${clocks[@]}"
inside stamps
inside steps
inside disturbances
inside clocks "${clocks[@]}"
inside hardware -n hwveth -k 'phc_off_ns=250000000,-1000000 ppb=20000,-3000 pairs=2'
for nics in igb e1000e vmxnet3 virtio-net; do
  inside cards -n "$nics"
done
inside rtc -n none

programs+=("$stamping")
for nics in hwveth igb e1000e vmxnet3 virtio-net; do
  inside nic -n "$nics"
done
