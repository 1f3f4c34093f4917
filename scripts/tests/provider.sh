#!/usr/bin/env bash
# A provider's servers, which are real chronyd: good ones, of which one offers NTS, one that limits rates, one that is
# 50 ms off, one that is not there.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

need jq chronyd chronyc setpriv openssl
need_clockfit
use_own_link 10.89.0
ip -n "$server" link set lo up
# Its files are for the daemons alone; reports are written by whoever runs clockfit.
mkdir -m 700 "$scratch/daemons"

# daemon LAST OFFSET [LINES]: a chronyd at 10.89.0.LAST, which follows a server of its own that is off by so much, and has
# these lines in its file. It never steers a clock (-x).
daemon() {
  local last=$1 offset=$2 files=$scratch/daemons/$1
  [[ $last == 2 ]] || ip -n "$server" address add "10.89.0.$last/24" dev s
  ip netns exec "$server" "$clockfit" serve --listen "127.0.0.1:11$last" --offset "$offset" >/dev/null 2>&1 &
  started+=($!)
  mkdir -m 700 "$files"
  cat >"$files/conf" <<EOF
server 127.0.0.1 port 11$last iburst minpoll 2 maxpoll 2
bindaddress 10.89.0.$last
allow
${3:-}
cmdport 0
bindcmdaddress $files/sock
pidfile $files/pid
EOF
  ip netns exec "$server" "${unconfined[@]}" chronyd -x -d -u root -f "$files/conf" >"$files/log" 2>&1 &
  started+=($!)
}

# Nobody vouches for this certificate, and it is made out to nobody who is asked.
certificate=$scratch/daemons/certificate
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=nobody.test \
  -keyout "$certificate.key" -out "$certificate" 2>"$scratch/openssl.log" || fail "$(<"$scratch/openssl.log")"

for last in 2 3; do daemon $last 0ms; done
daemon 4 0ms "ntsserverkey $certificate.key
ntsservercert $certificate"
daemon 5 0ms ratelimit
daemon 8 0ms ratelimit
daemon 6 50ms
# No daemon listens there.
ip -n "$server" address add 10.89.0.7/24 dev s
for last in 2 3 4 5 6 8; do settled "$server" "$scratch/daemons/$last"; done
# By now their buckets are full again, whatever was asked of them.

# provider NAME CODE ARGS...
provider() {
  local name=$1 expected=$2 code=0
  shift 2
  ip netns exec "$client" setpriv --reuid 65534 --regid 65534 --clear-groups "$clockfit" provider "$@" -f json \
    >"$scratch/$name.json" 2>"$scratch/$name.log" || code=$?
  [[ $code == "$expected" ]] \
    || fail "$name: exit code $code, not $expected: $(<"$scratch/$name.log") $(jq -c \
      '.requirements[] | select(.verdict != "fit")' "$scratch/$name.json")"
}

# found NAME REQUIREMENT: its verdict, and each finding that is not fit, as SERVER CODE.
found() {
  jq -r --arg id "$2" '.requirements[] | select(.id == $id) | [.verdict, (.findings[] | select(.verdict != "fit") |
    "\(.server // "all") \(.code)")] | join("; ")' "$scratch/$1.json"
}

# is NAME REQUIREMENT EXPECTED
is() {
  local told
  told=$(found "$1" "$2")
  [[ $told == "$3" ]] || fail "$1: $2 is '$told', not '$3': $(jq -c --arg id "$2" \
    '.requirements[] | select(.id == $id)' "$scratch/$1.json")"
}

good=(10.89.0.2 10.89.0.3 10.89.0.4)
judging=()
in_background() {
  "$@" &
  judging+=($!)
}
in_background provider good 0 "${good[@]}"
in_background provider limited 1 "${good[@]}" 10.89.0.5
in_background provider off 1 "${good[@]}" 10.89.0.6
in_background provider silent 1 "${good[@]}" 10.89.0.7
in_background provider two 1 10.89.0.2 10.89.0.3
ip netns exec "$client" "$clockfit" scs 10.89.0.2 10.89.0.3 10.89.0.8 -o "$scratch/scs.jsonl" \
  --testcases "scs-0129-not-rate-limited scs-0129-local-servers scs-0129-three-servers" \
  >"$scratch/scs" 2>"$scratch/scs.log" &
judging+=($!)
# Whatever it says, its recording has to say the same.
ip netns exec "$client" "$clockfit" provider "${good[@]}" -o "$scratch/kept.jsonl" -f json \
  >"$scratch/kept.json" 2>"$scratch/kept.log" &
keeping=$!
for pid in "${judging[@]}"; do wait "$pid" || fail "one of the runs: $(<"$scratch/scs.log")"; done
kept=0
wait "$keeping" || kept=$?

for requirement in three-servers answers local-servers synchronised root-distance servers-agree loses-any upstreams \
  steady not-rate-limited burst-delay no-amplification; do
  is good $requirement fit
done
[[ $(jq -c '[.servers[] | .hops, .interleaved]' "$scratch/good.json") == '[0,true,0,true,0,true]' ]] \
  || fail "good: $(jq -c .servers "$scratch/good.json")"
echo "three good ones are fit"

# nts NAME: of each server whether it offers NTS, or why not.
nts() {
  jq -r '[.servers[] | if .nts then "NTS" else .nts_why_not end] | join("; ")' "$scratch/$1.json"
}
none="nothing listens at TCP port 4460"
[[ $(nts good) == "$none; $none; NTS" ]] || fail "good: $(nts good)"
[[ $(nts silent) == "$none; $none; NTS; $none" ]] || fail "silent: $(nts silent)"
[[ $(nts two) == "$none; $none" ]] || fail "two: $(nts two)"
echo "NTS is found where it is offered"

is limited not-rate-limited "unfit; 10.89.0.5 lost"
is limited servers-agree fit
is limited local-servers fit
echo "the one that limits rates is named"

is off servers-agree "unfit; 10.89.0.6 falseticker"
jq -e '.servers[] | select(.address == "10.89.0.6") | .off_ns | .[0] <= 50000000 and .[1] >= 50000000 and
  .[1] - .[0] < 20000000' "$scratch/off.json" >/dev/null || fail "off: $(jq -c .servers "$scratch/off.json")"
is off not-rate-limited fit
echo "the falseticker is named, and where it is"

is silent answers "unfit; 10.89.0.7 silent"
is silent three-servers fit
echo "the silent one is named"

is two three-servers "unfit; all servers"
is two loses-any "unfit; all cannot_lose"
echo "two are too few"

grep -q '^scs-0129-not-rate-limited: FAIL$' "$scratch/scs" || fail "scs: $(<"$scratch/scs")"
grep -q '^scs-0129-local-servers: PASS$' "$scratch/scs" || fail "scs: $(<"$scratch/scs")"
grep -q '^scs-0129-three-servers: PASS$' "$scratch/scs" || fail "scs: $(<"$scratch/scs")"
echo "the conformance suite hears of it"

again=0
"$clockfit" provider --replay "$scratch/kept.jsonl" -f json >"$scratch/again.json" || again=$?
[[ $again == "$kept" && $kept != 2 ]] || fail "the run ended with $kept, its recording with $again: $(<"$scratch/kept.log")"
cmp "$scratch/kept.json" "$scratch/again.json" || fail "a recording does not replay to the same bytes"
"$clockfit" scs --replay "$scratch/scs.jsonl" --testcases scs-0129-not-rate-limited | grep -q FAIL \
  || fail "a recording has no burst"
echo "recordings replay to the same bytes"
