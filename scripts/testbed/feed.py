#!/usr/bin/env python3
"""Tells a chronyd, through a SOCK reference clock, exactly how wrong its clock is to be.

Usage: feed.py SOCKET OFFSET_S DRIFT_PPM

Ten samples a second, each offset(t) = OFFSET_S + DRIFT_PPM * 1e-6 * (t - start). The start, in
nanoseconds since 1970 by CLOCK_REALTIME, is printed as the first and only line.
"""

import socket
import struct
import sys
import time

PERIOD_S = 0.1
# "SOCK", the mark by which chronyd knows a sample.
MAGIC = 0x534F434B
# A feed must not outlive its server: it ends when nobody has listened for this many samples.
PATIENCE = 100


def sample(now_ns, offset_s):
    """chronyd's struct sock_sample: a timeval, the offset, then pulse, leap, padding, magic."""
    seconds, nanos = divmod(now_ns, 1_000_000_000)
    return struct.pack("@lldiiii", seconds, nanos // 1000, offset_s, 0, 0, 0, MAGIC)


def main():
    path, offset_s, drift_ppm = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    feed = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    start_ns = time.time_ns()
    print(start_ns, flush=True)
    unheard = 0
    while unheard < PATIENCE:
        now_ns = time.time_ns()
        wrong_by = offset_s + drift_ppm * 1e-6 * ((now_ns - start_ns) * 1e-9)
        try:
            feed.sendto(sample(now_ns, wrong_by), path)
            unheard = 0
        except OSError:
            unheard += 1
        time.sleep(PERIOD_S)


if __name__ == "__main__":
    main()
