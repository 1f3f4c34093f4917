"""Reads `tshark -T json -x` and prints each exchange: client, server, mode, T1, U, residence, L.

The lines are in the order of the replies. Times are in nanoseconds, T2 rounded up and T3 down. It is
written for captures in order, of well-behaved servers, in which no packet is seen twice.
"""

import json
import sys
from fractions import Fraction

ERA_0 = 2208988800


def pairs(found):
    """tshark repeats keys (one layer inside another of its kind), which a dict would drop."""
    kept = {}
    for key, value in found:
        kept.setdefault(key, value)
    return kept


def stamp(raw, rounded_up):
    units = int(raw, 16)
    nanos = Fraction(units * 10**9, 2**32)
    whole = -(-nanos.numerator // nanos.denominator) if rounded_up else nanos.numerator // nanos.denominator
    return whole - ERA_0 * 10**9


def nanos(text):
    seconds, fraction = text.split(".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9])


asked, kept = {}, {}
for packet in json.load(sys.stdin, object_pairs_hook=pairs):
    layers = packet["_source"]["layers"]
    if "ntp" not in layers:
        continue
    ip, udp, ntp = layers.get("ip") or layers["ipv6"], layers["udp"], layers["ntp"]
    name = "ip" if "ip" in layers else "ipv6"
    source = ip[f"{name}.src"], udp["udp.srcport"]
    destination = ip[f"{name}.dst"], udp["udp.dstport"]
    at = nanos(layers["frame"]["frame.time_epoch"])
    raw = {key: ntp[f"ntp.{key}_raw"][0] for key in ("org", "rec", "xmt")}
    mode = int(ntp["ntp.flags_raw"][0], 16) & 7
    if mode == 3:
        asked[source, destination, raw["xmt"]] = at, raw, "basic"
        if raw["rec"] != raw["xmt"]:
            asked[source, destination, raw["rec"]] = at, raw, "interleaved"
        continue
    t1, request, how = asked[destination, source, raw["org"]]
    pair = destination[0], source[0]
    if how == "basic":
        own = t1, at, raw["rec"]
    else:
        own = kept[pair, request["org"]]
    kept[pair, raw["rec"]] = t1, at, raw["rec"]
    t1, t4, receive = own
    t2, t3 = stamp(receive, True), stamp(raw["xmt"], False)
    print(*pair, how, t1, t2 - t1, t3 - t2, t3 - t4)
