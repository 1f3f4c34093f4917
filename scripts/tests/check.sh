#!/usr/bin/env bash
# Verdicts against servers of known truth: a good clock, one that is 50 ms off, two that contradict each
# other, and a look that is too short. What was recorded judges to the same bytes.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

need jq
need_clockfit
need_namespaces
need chronyd chronyc
scratch=$(mktemp -d)
export CLOCKFIT_BED=$scratch/bed CLOCKFIT_BED_PREFIX=cf$$
cleanup() {
  "$bed" down >/dev/null 2>&1 || true
  rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
"$bed" up >"$scratch/bed.log" 2>&1 || could_not_run "the bed does not come up: $(tail -1 "$scratch/bed.log")"

# check NAME ARGS...: a run of a minute, as JSON, with its exit code.
check() {
  local name=$1 code=0
  shift
  "$bed" run "$clockfit" check -f json -o "$scratch/$name.jsonl" "$@" \
    >"$scratch/$name.json" 2>"$scratch/$name.log" || code=$?
  echo "$code" >"$scratch/$name.code"
}

# judged NAME CODE FILTER: the exit code, and what jq says of the report must be true.
judged() {
  [[ $(<"$scratch/$1.code") == "$2" ]] \
    || fail "$1: exit code $(<"$scratch/$1.code"), not $2: $(<"$scratch/$1.log")"
  jq -e "$3" "$scratch/$1.json" >/dev/null || {
    jq 'del(.measurement)' "$scratch/$1.json"
    fail "$1: not so: $3"
  }
}

check good 10.77.0.2 --for etcd,ceph-mon --grade standard &
check off 10.77.0.3 --for etcd-peer-probe,ceph-mon,zookeeper --grade standard &
check torn 10.77.0.2 10.77.0.3 --grade standard &
check three 10.77.0.2 10.77.0.3 10.77.0.5 --for ceph-mon &
check brief 10.77.0.2 -n 20 -i 5ms --own-servers --for ceph-mon &
wait

echo "a good clock is fit"
judged good 0 '.verdict == "fit" and .window.observed_ns > 59e9
    and ([.services[].outcome] | all(. == "fit" or . == "not_sensitive"))
    and (.services[] | select(.id == "ceph-mon") | .checks[0]
      | .claim == "share" and .verdict == "fit" and .observed[0] == 0 and .observed[1] < 1e6)
    and .grades[0].outcome == "fit" and .reasons[0].code == "one_server"'

echo "one that is 50 ms off is unfit for standard and keeps no share of Ceph's"
judged off 1 '.verdict == "unfit" and .grades[0].outcome == "unfit"
    and ([.services[] | {(.id): .outcome}] | add
      == {"etcd-peer-probe": "fit", "ceph-mon": "unfit", "zookeeper": "not_sensitive"})
    and (.services[] | select(.id == "ceph-mon") | .checks[0]
      | .observed[0] <= 50001000 and .observed[1] >= 49999000
        and .reasons[0].code == "may_share_error")'

echo "two that contradict each other are named, and decide nothing"
judged torn 3 '.verdict == "undetermined"
    and (.reasons[0] | .code == "no_majority" and (.text | contains("10.77.0.2, 10.77.0.3")))'

echo "with a third the one that is off is outvoted"
judged three 0 '.verdict == "fit" and (.window.servers | length) == 3'

echo "twenty exchanges in a tenth of a second decide nothing, and say why"
judged brief 3 '.verdict == "undetermined"
    and ([.services[0].checks[0].reasons[].code] == ["short", "few_exchanges"])'

echo "a limit between both ends of the bound decides nothing"
limit=$(jq '.services[] | select(.id == "ceph-mon").checks[0].observed[1] / 1e9' "$scratch/good.json")
code=0
"$clockfit" check --replay "$scratch/good.jsonl" -f json --for ceph-mon \
  --set "ceph-mon.max_pairwise_skew_s=$limit" >"$scratch/limit.json" || code=$?
echo "$code" >"$scratch/limit.code"
judged limit 3 '.services[0].checks[0] | .reasons[0].code == "within_bound"
    and ([.needs[].code] == ["bound", "peers"])'

echo "a recording judges to the same bytes"
code=0
"$clockfit" check --replay "$scratch/off.jsonl" -f json --for etcd-peer-probe,ceph-mon,zookeeper \
  --grade standard >"$scratch/again.json" || code=$?
[[ $code == 1 ]] || fail "exit code $code"
cmp "$scratch/off.json" "$scratch/again.json" || fail "the replay differs"

echo "the conformance suite's script answers each test case once, from inside the bed"
code=0
"$bed" run env CLOCKFIT="$clockfit" "$project/scripts/scs/clockfit-scs" --servers "10.77.0.2, 10.77.0.3 10.77.0.5" \
  --duration 2s --interval 20ms --own-servers yes \
  --testcases "scs-0129-three-servers scs-0129-servers-agree scs-0129-offset-basic" >"$scratch/scs.txt" || code=$?
[[ $code == 0 ]] || fail "exit code $code: $(<"$scratch/scs.txt")"
# Two seconds decide only how many there are.
[[ $(grep -cE '^scs-0129-[a-z-]+: (PASS|FAIL|ABORT)$' "$scratch/scs.txt") == 3 ]] || fail "$(<"$scratch/scs.txt")"
grep -qx 'scs-0129-three-servers: PASS' "$scratch/scs.txt" || fail "$(<"$scratch/scs.txt")"
grep -qx 'scs-0129-offset-basic: ABORT' "$scratch/scs.txt" || fail "$(<"$scratch/scs.txt")"
