# A recording of 70 seconds with three servers, the last one 40 ms ahead, and a step of the local clock.
def start: 1763832000;
def second: 1000000000;
# An instant as the format has it, of nanoseconds since the start.
def instant: "\(start + (. / second | floor)).\((. % second) + second | tostring | .[1:])";
# Numbers that look random and never change.
def noise: ((. * 7919 + 104729) % 10007) * ((. * 31 + 17) % 13) % 9973;
def servers: [["ntp1.example.org", "192.0.2.1", 0], ["ntp2.example.org", "192.0.2.2", 60000], ["ntp3.example.org", "192.0.2.3", 40000000]];
def clock: {k: "clk", m: (5 * second + .), e: 100, t: instant, monotonic_ns: (second + .)};

{clockfit_recording: {major: 1, minor: 0}, tool: "clockfit 0.1.0", run_id: "0123456789abcdef", started: (0 | instant),
  started_at: (5 * second), arguments: ["check", "ntp1.example.org"], seed: "1", timeout_ns: second,
  environment: {host: "db1.example.org", boot_id: null, kernel: "Linux 6.1.0", clocksource: "tsc", virtualisation: "kvm",
    time_daemons: ["chronyd"], nics: [], ptp_clocks: [], privileged: false}},
(range(3) as $s | servers[$s] as [$name, $address] |
  {k: "src", s: $s, source: $name, address: $address, port: 123, kind: "ntp", timescale: "utc"},
  {k: "srv", s: $s, leap: "none", stratum: 1, precision: -25, root_delay_ns: 0, root_dispersion_ns: 100000, refid: "50505300"}),
(0 | clock),
(range(700) as $n | range(3) as $s | servers[$s][2] as $ahead | ($n * 100000000 + $s * 1000) as $at |
  {k: "x", s: $s, c: "BKK", t1: ($at | instant), u: ($ahead + 90000 + ($n * 3 + $s | noise) * 4), r: 10000,
    l: ($ahead - 90000 - ($n * 5 + $s + 1 | noise) * 4), e: 10, m: (5 * second + $at)}),
(70 * second | clock),
{k: "end", m: (75 * second), interrupted: false}
