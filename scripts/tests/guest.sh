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
# Machines that run, by process id, and their names.
declare -A running=()
finish() {
  # Each may be a shell that waits for its machine, and ends that first.
  [[ ${#running[@]} -eq 0 ]] || kill "${!running[@]}" 2>/dev/null || true
  wait
  rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM

# A machine keeps one processor busy. More than two at a time would be too many for most hosts.
at_once=$(nproc)
((at_once <= 2)) || at_once=2

# Programs that go along with the script.
programs=("$clockfit")

# collect: waits for one of the machines, and tells how it went.
collect() {
  local ended status=0 name
  wait -n -p ended "${!running[@]}" || status=$?
  name=${running[$ended]}
  unset "running[$ended]"
  echo "guest: $name"
  cat "$scratch/$name.log"
  [[ $status -eq 0 ]] || fail "$name: status $status"
}

# inside NAME OPTION...: runs a script in a machine of its own, by instructions executed, so that the
# same happens every time. NAME may have a suffix: cards.igb is the script cards.
inside() {
  local name=$1
  shift
  ((${#running[@]} < at_once)) || collect
  "$guest" run -i -t 300 "$@" "$project/scripts/tests/guest/${name%%.*}.sh" "${programs[@]}" \
    >"$scratch/$name.log" 2>&1 &
  running[$!]=$name
}

status=0
"$guest" prepare >"$scratch/prepare.log" 2>&1 || status=$?
cat "$scratch/prepare.log"
[[ $status -ne 77 ]] || could_not_run "$(tail -n 1 "$scratch/prepare.log")"
[[ $status -eq 0 ]] || fail "the machine could not be prepared"

# The longest first.
# A clock ahead by 250 ms that gains 20 ppm, and one behind by 1 ms that loses 3 ppm.
clocks=(-k 'phc_off_ns=250000000,-1000000 ppb=20000,-3000')
inside hardware -n hwveth -k 'phc_off_ns=250000000,-1000000 ppb=20000,-3000 pairs=2'
inside machine "${clocks[@]}"
inside disturbances
inside rtc -n none
inside clocks "${clocks[@]}"
inside steps
inside stamps
for nics in igb e1000e vmxnet3 virtio-net; do
  inside "cards.$nics" -n "$nics"
done

programs+=("$stamping")
for nics in hwveth igb e1000e vmxnet3 virtio-net; do
  inside "nic.$nics" -n "$nics"
done
while [[ ${#running[@]} -gt 0 ]]; do
  collect
done
