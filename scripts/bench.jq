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
  "scale": "Scale: each server asked once a second"
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

. as $all
| ["rate", "paced-idle", "paced-busy", "interleaved-idle", "interleaved-busy", "scale"][] as $bench
| ($all | map(select(.bench == $bench)))
| select(length > 0)
| "", "## " + ($bench | title), "",
  (if $bench == "scale" then scale else sockets end)
