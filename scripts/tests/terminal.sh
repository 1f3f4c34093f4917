#!/usr/bin/env bash
# On a terminal: colour where it is wanted, and none where NO_COLOR or a pipe objects. Nobody types a
# recording.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

need script
need_clockfit
escape=$'\e'

# on_terminal CMD: what a terminal of its own would be sent by standard output; the progress line on
# standard error is another matter.
on_terminal() {
  script --quiet --return --command "$1 2>/dev/null" /dev/null </dev/null
}

run="$clockfit measure -d 300ms -i 10ms"
seen=$(env -u NO_COLOR TERM=xterm LC_ALL=C.UTF-8 bash -c "$(declare -f on_terminal); on_terminal '$run'")
[[ $seen == *"${escape}["*m* ]] || fail "no colour on a terminal: $seen"
for variable in NO_COLOR=1 TERM=dumb CLICOLOR=0; do
  seen=$(env TERM=xterm "$variable" bash -c "$(declare -f on_terminal); on_terminal '$run'")
  [[ $seen == *"No source was given"* ]] || fail "$variable: no report: $seen"
  [[ $seen != *"${escape}["* ]] || fail "colour in spite of $variable: $seen"
done
seen=$(TERM=xterm $run 2>&1)
[[ $seen != *"$escape"* ]] || fail "escape codes in a pipe: $seen"

status=0
seen=$(script --quiet --return --command "$clockfit analyse - 2>&1" /dev/null </dev/null) || status=$?
[[ $status == 2 && $seen == *"standard input is a terminal; "* ]] || fail "a terminal to read: $status $seen"
