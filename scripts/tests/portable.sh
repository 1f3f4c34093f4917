#!/usr/bin/env bash
# What other Unix systems get, on this one: the loop keeps time without Linux's timers and stamps.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

need jq
# Where rustup puts it, which is no place of the system's.
export PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
command -v cargo >/dev/null || could_not_run "cargo is missing"
# What it is built from is where cargo test has put it; the program itself goes to a folder of its own.
target=${CARGO_TARGET_DIR:-$project/target}
export CARGO_TARGET_DIR=$target/portable CARGO_BUILD_BUILD_DIR=$target
RUSTC_WORKSPACE_WRAPPER=$project/scripts/portable-rustc \
  cargo build --locked --quiet --bins --manifest-path "$project/Cargo.toml"

status=0
report=$(timeout 60 "$CARGO_TARGET_DIR/debug/clockfit" measure -d 1s -i 20ms -f json 2>/dev/null) || status=$?
[[ $status -eq 0 ]] || fail "status $status"
# 50 in a quiet second; on a busy host they are fewer, but not two.
jq -e '.sources[0] | .valid >= 10 and .class.stamps == "user"' <<<"$report" >/dev/null \
  || fail "$(jq -c '.sources[0] | {sent, valid, stamps}' <<<"$report")"
jq -e '.warnings | any(.code == "stamps_unavailable")' <<<"$report" >/dev/null \
  || fail "it is not told that there are no kernel stamps"
