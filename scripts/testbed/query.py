#!/usr/bin/env python3
"""Asks an NTP server how far the local clock is off, independently of the program under test.

Usage: query.py ADDRESS [COUNT]

Prints one line for the exchange with the shortest round trip: the interval that holds the true
offset (server minus local) whatever the path did, in nanoseconds, and its middle:

    10.77.0.3 offset_ns=50000123 lower_ns=49980010 upper_ns=50020236 stratum=1 leap=0

Exits with 1 when no synchronised answer came. Stamps are taken in this process, so the interval
is tens of microseconds wide; it is right all the same.
"""

import os
import socket
import struct
import sys
import time

PORT = 123
TIMEOUT_S = 0.5
# Seconds from 1900, where NTP counts from, to 1970.
UNIX_EPOCH = 2_208_988_800
# Version 4, mode 3 (client), RFC 5905 section 7.3.
CLIENT = bytes([0x23])


def nanos(stamp):
    """An NTP timestamp of 32.32 bits as nanoseconds since 1970, in the era around now."""
    seconds, fraction = stamp >> 32, stamp & 0xFFFFFFFF
    era = round((time.time() + UNIX_EPOCH - seconds) / 2**32)
    return (seconds + era * 2**32 - UNIX_EPOCH) * 1_000_000_000 + (fraction * 1_000_000_000 >> 32)


def exchange(link):
    """One exchange as (lower, upper, stratum, leap), or None when it does not count."""
    cookie = os.urandom(8)
    sent = time.time_ns()
    link.send(CLIENT + bytes(39) + cookie)
    try:
        answer = link.recv(1024)
    except OSError:
        return None
    received = time.time_ns()
    if len(answer) < 48 or answer[24:32] != cookie:
        return None
    leap, mode, stratum = answer[0] >> 6, answer[0] & 7, answer[1]
    if mode != 4 or leap == 3 or not 0 < stratum < 16:
        return None
    at_server, from_server = map(nanos, struct.unpack("!QQ", answer[32:48]))
    return from_server - received, at_server - sent, stratum, leap


def main():
    address = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(TIMEOUT_S)
        link.connect((address, PORT))
        answers = [answer for answer in (exchange(link) for _ in range(count)) if answer]
    if not answers:
        sys.exit(f"{address}: no answer from a synchronised server")
    lower, upper, stratum, leap = min(answers, key=lambda answer: answer[1] - answer[0])
    middle = (lower + upper) // 2
    print(
        f"{address} offset_ns={middle} lower_ns={lower} upper_ns={upper}"
        f" stratum={stratum} leap={leap}"
    )


if __name__ == "__main__":
    main()
