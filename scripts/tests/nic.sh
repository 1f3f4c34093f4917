#!/usr/bin/env bash
# What clockfit nic tells of interfaces made of software, to an unprivileged user too.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

need_namespaces
need jq nsenter setpriv
need_clockfit
space=cf-nic-$$
scratch=$(mktemp -d)
trap 'ip netns del "$space" 2>/dev/null || true; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$scratch"
# Unprivileged users may not be able to enter the checkout.
install -m 755 "$clockfit" "$scratch/clockfit"

ip netns add "$space"
in_space() {
  ip netns exec "$space" "$@"
}
ip -n "$space" link set lo up
ip -n "$space" link add west type veth peer name east
ip -n "$space" link set west up
ip -n "$space" link set east up

# says USER INTERFACE FILTER: what jq must find true of an interface.
says() {
  local as=()
  [[ $1 == root ]] || as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  in_space "${as[@]}" "$scratch/clockfit" nic -f json >"$scratch/nic.json" || fail "$1: status $?"
  # shellcheck disable=SC2016  # jq's variable
  jq -e --arg name "$2" ".interfaces[] | select(.name == \$name) | $3" "$scratch/nic.json" >/dev/null \
    || fail "$1 is not told of $2: $3: $(<"$scratch/nic.json")"
}

for user in root nobody; do
  says $user west '.kind == "virtual" and .outlook.code == "kernel" and .beneath == []'
  says $user west '.link.up and .link.carrier and .driver.name == "veth" and .clock == null'
  says $user lo '.kind == "loopback" and .outlook.code == "kernel"'
  jq -e '[.interfaces[].name] == ["east", "west", "lo"]' "$scratch/nic.json" >/dev/null \
    || fail "the order is another: $(<"$scratch/nic.json")"
done

# Kernels need not have these.
on_top() {
  ip -n "$space" link add link west name west.7 type vlan id 7 2>/dev/null && echo west.7 west
  ip -n "$space" link add bridge0 type bridge 2>/dev/null \
    && ip -n "$space" link set east master bridge0 && echo bridge0 east
  true
}
while read -r upper lower; do
  echo "on top: $upper on $lower"
  says nobody "$upper" ".outlook.code == \"beneath\" and .beneath == [\"$lower\"]"
done < <(on_top)

# /sys of another namespace has files of other interfaces under the same names.
seen=$(nsenter --net="/run/netns/$space" "$scratch/clockfit" nic -f json lo)
jq -e '.interfaces[0].outlook.code == "kernel"' <<<"$seen" >/dev/null || fail "from outside: $seen"

status=0
words=$(in_space "$scratch/clockfit" nic dummy 2>&1) || status=$?
[[ $status -eq 2 && $words == *"no interface dummy"*west* ]] || fail "unknown: $status, $words"
