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

# A bed of this test's own, so that it neither disturbs nor uses one that is up; gone at the end.
# Call `"$bed" up` after it.
use_own_bed() {
  [[ $EUID -eq 0 ]] || could_not_run "needs root for network namespaces"
  need chronyd chronyc ip openssl python3 setpriv unshare
  unshare --net true 2>/dev/null || could_not_run "this machine allows no network namespaces"
  CLOCKFIT_BED=$(mktemp -d /run/clockfit-bed.XXXXXX)
  CLOCKFIT_BED_PREFIX=cf$$
  export CLOCKFIT_BED CLOCKFIT_BED_PREFIX
  trap '"$bed" down >/dev/null; rmdir "$CLOCKFIT_BED" 2>/dev/null || true' EXIT
  trap 'exit 130' INT TERM
}
