# The tables of a bench run, from the lines of its runs.jsonl: medians over the rounds.

def median: map(numbers) | sort | if length == 0 then null else .[(length - 1) / 2 | floor] end;
def one_decimal: if . == null then "-" else . * 10 | round / 10 | tostring end;
def us: if . == null then "-" else . / 1000 * 100 | round / 100 | tostring end;
def cells: "| " + join(" | ") + " |";
def table($head; $rows): ($head | cells), ($head | map("---") | cells), ($rows[] | cells);

def title: {
  "rate": "Rate: as fast as one client core can",
  "paced-idle": "Paced: one exchange in 5 ms, idle machine",
  "paced-busy": "Paced: one exchange in 5 ms, both cores busy",
  "interleaved-idle": "Interleaved: 64 exchanges a second, idle machine",
  "interleaved-busy": "Interleaved: 64 exchanges a second, both cores busy",
  "scale": "Scale: each server asked once a second",
  "truth": "Truth: what bounds and estimates are worth over simulated runs",
  "stability": "Stability: octaves of one series, ms",
  "replay": "Replay: whole recordings"
}[.];

def clients: reduce .[].client as $c ([]; if index([$c]) then . else . + [$c] end);
def of($client): map(select(.client == $client));

def sockets:
  . as $rows
  | table(
      ["client", "exchanges/s", "p50 of offset, us", "p50 of \\|offset\\|, us", "p99 of \\|offset\\|, us",
       "CPU us/exchange", "not answered", "rounds"];
      [$rows | clients[] as $c | $rows | of($c) | [
        $c,
        (map(.per_s) | median | . // "-" | tostring),
        (map(.offset_p50_ns) | median | us),
        (map(.abs_offset_p50_ns) | median | us),
        (map(.abs_offset_p99_ns) | median | us),
        (map(select(.cpu_ms) | .cpu_ms * 1000 / .valid) | median | one_decimal),
        (map(.sent - .valid) | add | tostring),
        (length | tostring)
      ]]);

def scale:
  table(
    ["client", "servers", "CPU, % of a core", "resident, MB", "sent", "answered",
     "kernel stamps at both ends"];
    [.[] | [
      .client,
      (.sources | tostring),
      (.cpu_ms * 100 / .wall_ms | one_decimal),
      (.rss_kb * 1024 / 1000000 | one_decimal),
      (.sent | tostring),
      (.valid | tostring),
      (.kernel_both | tostring)
    ]]);

def share: . * 10000 | round / 100 | tostring;

def truth:
  table(
    ["scenario", "seeds", "bounds", "wrong ones", "estimates", "intervals that hold the truth, %",
     "half of an interval, us", "error, us", "of a regression, us", "of a clock filter, us",
     "corridor, us"];
    [.[] | [
      .scenario,
      (.seeds | tostring),
      (.bounds_right + .bounds_wrong | tostring),
      (.bounds_wrong | tostring),
      (.estimates | tostring),
      (.coverage | share),
      (.half_width_us | tostring),
      (.error_us | tostring),
      (.regression_us | tostring),
      (.clock_filter_us | tostring),
      (.corridor_width_us | tostring)
    ]]);

def stability:
  def ms: if . == null then "-" else tostring end;
  table(
    ["points", "by", "OADEV", "plain loop", "MTIE", "plain loop", "MDEV", "TOTDEV", "TIE rms"];
    [.[] | [
      (.points | tostring),
      .client,
      (.oadev_ms | ms),
      (.plain_oadev_ms | ms),
      ((.mtie_ms | ms) + (if .mtie_phase_fast_ms then " (phase_fast \(.mtie_phase_fast_ms))" else "" end)),
      (.plain_mtie_ms | ms),
      (.mdev_ms | ms),
      (.totdev_ms | ms),
      (.tierms_ms | ms)
    ]]);

def replay:
  def milliseconds: map(.took_ns) | median;
  table(
    ["exchanges", "threads", "job", "s", "million/s", "resident at most", "rounds"];
    [group_by(.exchanges, .threads, .job)[] | [
      (.[0].exchanges | tostring),
      (.[0].threads | tostring),
      {floor: "lines into numbers", campaign: "read", analyse: "read and analysed"}[.[0].job],
      (milliseconds / 1e9 * 1000 | round / 1000 | tostring),
      (.[0].lines * 1e3 / milliseconds * 100 | round / 100 | tostring),
      .[0].peak_resident,
      (length | tostring)
    ]]);

. as $all
| ["rate", "paced-idle", "paced-busy", "interleaved-idle", "interleaved-busy", "scale", "truth", "stability",
   "replay"][] as $bench
| ($all | map(select(.bench == $bench)))
| select(length > 0)
| "", "## " + ($bench | title), "",
  (if $bench == "scale" then scale elif $bench == "truth" then truth
   elif $bench == "stability" then stability elif $bench == "replay" then replay else sockets end)
