# What the scripted tests share; sourced, not run.
# shellcheck shell=bash

# The system's own tools: those in the home of whoever runs this are closed to unprivileged users.
# chronyd may be one that need_chrony unpacked.
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
unpacked=$project/target/tools/chrony
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH=$PATH:$unpacked/usr/sbin:$unpacked/usr/bin
# Not used by every test.
# shellcheck disable=SC2034
bed=$project/scripts/testbed/bed

# AppArmor's profile for the packaged chronyd allows only the packaged paths: what to start it by.
unconfined=()
if command -v aa-exec >/dev/null && aa-enabled --quiet 2>/dev/null; then
  # Not used by every test.
  # shellcheck disable=SC2034
  unconfined=(aa-exec -p unconfined --)
fi

fail() {
  printf 'FAILED: %s\n' "$*"
  exit 1
}

# scripts/test shows this last line as the reason.
could_not_run() {
  printf '%s\n' "$*"
  exit 77
}

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || could_not_run "$tool is not installed"
  done
}

# The program under test, in $clockfit.
need_clockfit() {
  clockfit=${CLOCKFIT:-$project/target/release/clockfit}
  [[ -x $clockfit ]] || could_not_run "there is no release build at $clockfit"
}

need_namespaces() {
  [[ $EUID -eq 0 ]] || could_not_run "needs root for network namespaces"
  need ip unshare
  unshare --net true 2>/dev/null || could_not_run "this machine allows no network namespaces"
}

# use_own_link NETWORK: namespaces $client and $server, joined by c at NETWORK.1 and s at NETWORK.2, and a
# folder $scratch for root alone; all gone at the end, with every process in $started.
use_own_link() {
  local network=$1
  need_namespaces
  scratch=$(mktemp -d)
  client=cf$$-client server=cf$$-server
  started=()
  trap drop_own_link EXIT
  trap 'exit 130' INT TERM
  ip netns add "$client"
  ip netns add "$server"
  ip link add c netns "$client" type veth peer name s netns "$server"
  ip -n "$client" address add "$network.1/24" dev c
  ip -n "$server" address add "$network.2/24" dev s
  ip -n "$client" link set lo up
  ip -n "$client" link set c up
  ip -n "$server" link set s up
}

# shellcheck disable=SC2317  # reached through the trap
drop_own_link() {
  local pid
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  ip netns delete "$client" 2>/dev/null || true
  ip netns delete "$server" 2>/dev/null || true
  rm -rf "$scratch"
}

# serve ADDRESS ARGUMENT...: clockfit's server in $server, once it serves.
serve() {
  local address=$1 log=$scratch/serve-$1.log
  shift
  ip netns exec "$server" "$clockfit" serve --listen "$address:123" "$@" 2>"$log" &
  started+=($!)
  for _ in {1..100}; do
    ! grep -q serving "$log" 2>/dev/null || return 0
    sleep 0.05
  done
  fail "no server at $address: $(<"$log")"
}

# settled NAMESPACE FOLDER: until the chronyd whose socket and log are there has found its rate: before, its clock moves by
# more than a steady one does, and nothing is proven of that time.
settled() {
  for _ in {1..50}; do
    [[ ! -S $2/sock ]] || break
    sleep 0.1
  done
  ip netns exec "$1" chronyc -h "$2/sock" waitsync 60 0 20 1 >/dev/null || fail "chronyd in $1: $(<"$2/log")"
}

# A bed of this test's own, so that it neither disturbs nor uses one that is up; gone at the end.
# Call `"$bed" up` after it.
use_own_bed() {
  need_namespaces
  need chronyd chronyc openssl python3 setpriv
  CLOCKFIT_BED=$(mktemp -d /run/clockfit-bed.XXXXXX)
  CLOCKFIT_BED_PREFIX=cf$$
  export CLOCKFIT_BED CLOCKFIT_BED_PREFIX
  trap '"$bed" down >/dev/null; rmdir "$CLOCKFIT_BED" 2>/dev/null || true' EXIT
  trap 'exit 130' INT TERM
}
