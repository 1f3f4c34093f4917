#!/usr/bin/env python3
"""Octaves of stability statistics over one fixed series, as allantools takes them.

Usage: stability.py POINTS [ROUNDS]. Prints one line of JSON, as stability.rs does: medians of the
rounds in milliseconds, and the sum of the series, by which both are known to have measured the same.
Needs allantools and numpy, which are called here and part of nothing else.
"""

import json
import statistics
import sys
import time

import allantools
import numpy


def series(points):
    """White phase noise and a walk, from SplitMix64 with seed 1."""
    with numpy.errstate(over="ignore"):
        z = numpy.arange(2, points + 2, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z = z ^ (z >> numpy.uint64(31))
    walk = numpy.cumsum((z >> numpy.uint64(59)).astype(numpy.int64) - 16)
    return walk + ((z >> numpy.uint64(20)) & numpy.uint64(1023)).astype(numpy.int64)


def octaves(points, divisor):
    """The factors 1, 2, 4... that leave at least one term."""
    return [2.0**k for k in range(64) if divisor * 2**k < points]


def main():
    points = int(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    whole = series(points)
    phases = whole.astype(float)
    work = {
        "adev": (allantools.adev, 2),
        "oadev": (allantools.oadev, 2),
        "mdev": (allantools.mdev, 3),
        "tdev": (allantools.tdev, 3),
        "hdev": (allantools.hdev, 3),
        "ohdev": (allantools.ohdev, 3),
        "totdev": (allantools.totdev, 2),
        "tierms": (allantools.tierms, 1),
        "mtie_phase_fast": (allantools.mtie_phase_fast, 1),
        "mtie": (allantools.mtie, 1),
    }
    result = {"points": points, "sum": int(whole.sum())}
    for name, (take, divisor) in work.items():
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            if name == "mtie_phase_fast":
                take(phases, rate=1.0)
            else:
                take(phases, rate=1.0, data_type="phase", taus=octaves(points, divisor))
            times.append(time.perf_counter() - start)
            if times[0] > 20:
                break
        result[name + "_ms"] = round(statistics.median(times) * 1e3, 3)
    print(json.dumps(result))


main()
