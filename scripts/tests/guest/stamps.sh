#!/usr/bin/env bash
# Kernel stamps on NICs that have others, too: every request answered and stamped, the truth in the bound.
set -euo pipefail
# shellcheck source=scripts/testbed/inside/lib.bash
source /job/lib.bash

in_server clockfit serve --listen "$server_address:123" 2>/tmp/serve.log &
wait_for 10 "clockfit serve" grep -q serving /tmp/serve.log

in_client clockfit measure "$server_address" -n 500 -i 10ms --timestamps kernel -f json \
  -o /out/stamps.jsonl >/out/stamps.json
report /out/stamps.json '.sources[0] | .sent == 500 and .valid == .sent'
report /out/stamps.json '.sources[0].stamps | .tx.kernel == 500 and .rx.kernel == 500'
# Both ends read the same clock.
holds /out/stamps.json 0
# A bound of seconds would hold anything. In this machine an exchange takes some 40 us.
report /out/stamps.json '.sources[0].bound_ns | .upper - .lower < 200000'
replays /out/stamps
