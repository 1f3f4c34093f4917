# What the scripts share that "guest run" runs; sourced by them as /job/lib.bash.
# shellcheck shell=bash

# Not every script uses all of these.
# shellcheck disable=SC2034

client_address=10.1.0.1
server_address=10.1.0.2
# From /job/start: the interfaces, and their PTP clocks (/dev/ptpN), empty where there are none.
client_nic=${client_nic-} server_nic=${server_nic-}
client_phc=${client_phc-} server_phc=${server_phc-}

fail() {
  printf 'FAILED: %s\n' "$*"
  exit 1
}

in_client() {
  ip netns exec client "$@"
}

in_server() {
  ip netns exec server "$@"
}

# wait_for SECONDS WHAT CMD...: repeats a command until it succeeds.
wait_for() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || fail "waited in vain: $what"
    sleep 0.1
  done
}

# serve_reference: an NTP server on 10.1.0.2 whose time no step or slew of this machine's clock moves.
serve_reference() {
  # Spelled out, since a function in the background would be a shell of its own.
  ip netns exec server reference serve "$server_address" >/tmp/reference.log 2>&1 &
  wait_for 10 "the reference server" grep -q serving /tmp/reference.log
}

# ahead DEVICE: nanoseconds by which a PTP clock is ahead of the system clock, by another program.
ahead() {
  local behind
  # Once before it counts: what was never run is translated first.
  phc_ctl -Q "$1" cmp
  behind=$(phc_ctl "$1" cmp | sed -nE 's/.* is (-?[0-9]+)ns$/\1/p')
  echo $((-behind))
}

# report FILE FILTER: what jq says of a JSON report must be true; more arguments go to jq.
report() {
  local file=$1 filter=$2
  shift 2
  jq -e "$@" "$filter" "$file" >/dev/null || {
    jq -c '.warnings[]' "$file"
    jq '.sources[0] | {sent, valid, lost_by, rejected, stamps, stamp_faults, bound_ns, breaks}' "$file"
    fail "$file: not so: $filter"
  }
}

# holds FILE TRUTH_NS [SLACK_NS]: the bound of the first source holds the truth.
holds() {
  # shellcheck disable=SC2016  # jq's variables
  report "$1" '.sources[0].bound_ns | .lower - $slack <= $truth and $truth <= .upper + $slack' \
    --argjson truth "$2" --argjson slack "${3:-0}"
}

# replays RUN: the recording RUN.jsonl gives the report RUN.json again.
replays() {
  clockfit analyse "$1.jsonl" -f json | cmp - "$1.json" || fail "$1: the replay differs"
}
