#!/usr/bin/env bash
# The real-time clock as a source: its edges lie where another program sees them, nothing of it is
# changed, and it is told when it is taken, gone or back.
set -euo pipefail
# shellcheck source=scripts/testbed/inside/lib.bash
source /job/lib.bash

rtc=/dev/rtc0
class=/sys/class/rtc/rtc0

# edge: waits for the next edge as the shell sees it in sysfs, and leaves in $truth and $slack by how
# much the clock is ahead of the system clock, and by how much that may be off: the edge lies between
# two looks as it does for clockfit, and EPOCHREALTIME is cut off to microseconds.
edge() {
  local before after old new
  # The clock before the last look that showed the old second.
  before=$EPOCHREALTIME
  old=$(<"$class/since_epoch")
  while :; do
    after=$EPOCHREALTIME
    read -r new <"$class/since_epoch"
    [[ $new == "$old" ]] || break
    before=$after
  done
  after=$EPOCHREALTIME
  local low=$((new * 1000000000 - ${after/./}000)) high=$((new * 1000000000 - ${before/./}000))
  truth=$(((low + high) / 2))
  slack=$(((high - low) / 2 + 1000))
}

# quiet: nobody is told of updates any more.
quiet() {
  grep -q 'update IRQ enabled.*no' /proc/driver/rtc
}

# clock NAME OPTION...: measures it between two looks of the shell.
clock() {
  local name=$1 before before_slack
  shift
  edge
  before=$truth before_slack=$slack
  clockfit measure "rtc:$rtc" -f json "$@" -o "/out/$name.jsonl" >"/out/$name.json" 2>/tmp/log \
    || fail "rtc:$rtc: $(</tmp/log)"
  edge
  holds "/out/$name.json" "$before" "$before_slack"
  holds "/out/$name.json" "$truth" "$slack"
  replays "/out/$name"
  quiet || fail "update interrupts are still on"
}

# What is run first is translated first.
edge
clock plain -n 8
report /out/plain.json '.sources[0] | .kind == "rtc" and .address == "/dev/rtc0" and .port == 0
    and .sent == 8 and .valid == 8 and .lost == 0 and .server == null and .root_distance_ns == null
    and .timescale == "utc" and .class == {mode: "reading", stamps: "user"}'
# A PC's clock cannot be looked at in the last 244 us of a second.
report /out/plain.json '.sources[0].delay_ns | .min > 244000 and .max < 1000000'

# seconds FILE: the seconds that were read, as differences.
seconds() {
  # T2 = T1 + U, in nanoseconds; strings, since jq counts in doubles.
  jq -r 'select(.k == "x") | "\(.t1 | sub("[.]"; "")) \(.u)"' "$1" | {
    local t1 u last=''
    while read -r t1 u; do
      (((t1 + u) % 1000000000 == 0)) || fail "$1: T2 is no whole second"
      [[ -z $last ]] || printf '%s ' $(((t1 + u - last) / 1000000000))
      last=$((t1 + u))
    done
  }
}
[[ $(seconds /out/plain.jsonl) == '1 1 1 1 1 1 1 ' ]] || fail "seconds: $(seconds /out/plain.jsonl)"

echo "an interval is rounded up to whole seconds, and the duration ends the run"
clock slow -d 8s -i 1500ms
[[ $(seconds /out/slow.jsonl) =~ ^(2 ){2,3}$ ]] || fail "seconds: $(seconds /out/slow.jsonl)"

echo "a busy host costs width, not truth"
busy=()
for _ in 1 2 3; do
  while :; do :; done &
  busy+=($!)
done
clock busy -n 4
kill "${busy[@]}"
wait "${busy[@]}" 2>/dev/null || true
report /out/busy.json '.sources[0].valid == 4'

echo "a system clock that was stepped is seen as just that"
edge
expected=$((truth - 250000000)) expected_slack=$slack
reference step 250000000
clock stepped -n 3
holds /out/stepped.json "$expected" "$expected_slack"

echo "a clock that is off by a time zone may keep local time"
reference step -7200000000000
clock local -n 1
report /out/local.json '[.warnings[] | select(.code == "perhaps_local_time") | .text | contains(" +2:00 h")]
    == [true]'
reference step 7200000000000

echo "the report can be read"
clockfit analyse /out/plain.jsonl >/tmp/text
for words in 'real-time clock, read where one second ends' '8 made, 8 valid, none lost' \
  'the real-time clock minus this one lay between'; do
  grep -qF "$words" /tmp/text || fail "not in the report: $words: $(</tmp/text)"
done

echo "update interrupts are asked for, and nothing else but to look"
strace -f -e trace=ioctl -o /tmp/calls clockfit measure "rtc:$rtc" -n 2 >/dev/null
asked=$(grep -c RTC_UIE_ON /tmp/calls)
[[ $asked -ge 3 && $asked -eq $(grep -c RTC_UIE_OFF /tmp/calls) ]] || fail "$(grep UIE /tmp/calls)"
if grep -E 'RTC_' /tmp/calls | grep -vE 'RTC_(RD_TIME|UIE_ON|UIE_OFF)'; then
  fail "a request that is not to be made"
fi

# broken ERROR NTH: the thread's NTH request of the clock fails. Its first is to look, when it opens the
# clock, its second is for interrupts, and then it looks.
broken() {
  strace -f -P "$rtc" -e trace=ioctl -e "inject=ioctl:error=$1:when=$2" -o /tmp/calls \
    clockfit measure "rtc:$rtc" -n 3 -f json >/out/broken.json 2>/tmp/log || fail "$(</tmp/log)"
  grep -q INJECTED /tmp/calls || fail "nothing failed"
}
echo "a clock without update interrupts is looked at all the same"
broken EINVAL 2
grep -q 'RTC_UIE_ON.*INJECTED' /tmp/calls || fail "$(grep INJECTED /tmp/calls)"
report /out/broken.json '.sources[0] | .sent == 3 and .valid == 3'
edge
holds /out/broken.json "$truth" "$slack"
echo "a look that fails is told, and others are made"
broken EIO 20
grep -q 'RTC_RD_TIME.*INJECTED' /tmp/calls || fail "$(grep INJECTED /tmp/calls)"
report /out/broken.json '.sources[0] | .sent == 3 and .valid == 2 and .lost_by == {refused: 1}'
report /out/broken.json '[.warnings[] | select(.code == "unreachable")] | length == 1'

# interrupted SIGNAL: ends a run while it is told of updates, and leaves its status in $status.
interrupted() {
  clockfit measure "rtc:$rtc" -d 60s -f json >/out/interrupted.json 2>/tmp/log &
  local measuring=$! begin
  sleep 2.5
  until ! quiet; do sleep 0.01; done
  begin=${EPOCHREALTIME/./}
  kill "-$1" "$measuring"
  status=0
  wait "$measuring" || status=$?
  ((${EPOCHREALTIME/./} - begin < 500000)) || fail "$1: it took longer than half a second"
  quiet || fail "$1: update interrupts are still on"
}
echo "a signal ends it at once, and the clock is free again"
interrupted INT
[[ $status -eq 0 ]] || fail "SIGINT: status $status: $(</tmp/log)"
report /out/interrupted.json '.run.interrupted and .sources[0].valid >= 1 and .sources[0].lost == 0'
interrupted KILL
clockfit measure "rtc:$rtc" -n 1 >/dev/null || fail "the clock is not free"

echo "servers are asked in time while an edge is waited for"
clockfit serve --listen 127.0.0.1:11123 >/dev/null 2>&1 &
server=$!
clockfit measure 127.0.0.1:11123 "rtc:$rtc" -n 5 --timestamps user -f json -o /out/both.jsonl \
  >/out/both.json 2>/tmp/log || fail "$(</tmp/log)"
kill "$server"
report /out/both.json '[.sources[] | .valid] == [5, 5]'
report /out/both.json '.sources[0].delay_ns.max < 5000000'
replays /out/both

echo "what is no clock, or may not be read, is said"
# refused WORDS SOURCE OPTION...
refused() {
  local words=$1 status=0
  shift
  clockfit measure "$@" >/tmp/refused 2>&1 || status=$?
  [[ $status -eq 2 ]] || fail "$*: status $status"
  grep -qF "$words" /tmp/refused || fail "$*: $(</tmp/refused)"
}
refused "can be read once a second" "rtc:$rtc" -i 999ms
refused "ended before the first answer" "rtc:$rtc" -d 100ms
refused "/dev/null is not a real-time clock" rtc:/dev/null
mkdir -p /etc
printf '0.0 0 0.0\n0\nLOCAL\n' >/etc/adjtime
refused "keeps local time" "rtc:$rtc"
printf '0.0 0 0.0\n0\nUTC\n' >/etc/adjtime
exec 9<"$rtc"
refused "one program at a time" "rtc:$rtc"
exec 9<&-
chmod 0 "$rtc"
# No say over files, unless they are open to their owner.
if unshare -U clockfit measure "rtc:$rtc" -n 1 >/tmp/refused 2>&1; then
  fail "it was read without permission"
fi
grep -q 'cannot be read: Permission denied.*run as root' /tmp/refused || fail "$(</tmp/refused)"
chmod 600 "$rtc"

echo "two names of one clock are one"
ln -sf rtc0 /dev/rtc
clockfit measure rtc:/dev/rtc "rtc:$rtc" -n 1 -f json >/out/twice.json 2>/tmp/log || fail "$(</tmp/log)"
report /out/twice.json '(.sources | length) == 1 and .sources[0].address == "/dev/rtc0"
    and ([.warnings[] | select(.code == "same_address")] | length) == 1'

echo "a clock that goes is told, what was measured is kept, and it is read again when it is back"
driver=$(readlink -f "$class/device/driver")
device=$(basename "$(readlink -f "$class/device")")
clockfit measure "rtc:$rtc" -d 14s -f json -o /out/gone.jsonl >/out/gone.json 2>/tmp/log &
measuring=$!
sleep 4.5
echo "$device" >"$driver/unbind"
sleep 3
echo "$device" >"$driver/bind"
# Under another number: this kernel does not give the first away again.
[[ -e $rtc ]] || ln -s /dev/rtc[1-9] "$rtc"
wait "$measuring" || fail "exit code $?: $(</tmp/log)"
report /out/gone.json '.sources[0] | .valid > 4 and .lost >= 2 and .lost_by.refused == .lost'
report /out/gone.json '[.warnings[] | select(.code == "unreachable")] | length == 1'
jq -es 'map(select(.k == "note") | .note) == ["unreachable", "reachable"]' /out/gone.jsonl >/dev/null \
  || fail "$(grep note /out/gone.jsonl)"
replays /out/gone
