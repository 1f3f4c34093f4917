#!/usr/bin/env bash
# The page of a real run and of a recorded one in a real browser, without a network: at two widths, light and
# dark, nothing overflows, no label covers another, everything that is drawn is there, all text can be told from
# what it stands on, no word of complaint on the console, and it prints. With CLOCKFIT_SCREENSHOTS the pictures
# are kept there.
set -euo pipefail
# shellcheck source=scripts/tests/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

need chromium
need_clockfit
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
kept=${CLOCKFIT_SCREENSHOTS:-$scratch}

# browse LOG ARGUMENT...: the browser, with a home and a profile of its own, until it has done what it was asked.
browse() {
  local log=$1 status=0
  shift
  timeout --kill-after=5s 40s env HOME="$scratch" chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
    --hide-scrollbars --no-first-run --force-device-scale-factor=1 --user-data-dir="$scratch/profile" \
    --host-resolver-rules='MAP * ~NOTFOUND' --enable-logging=stderr --timeout=20000 "$@" 2>"$log" || status=$?
  [[ $status == 0 ]] || fail "chromium ended with $status: $(tail -3 "$log")"
}

# What a browser is asked of a page; the answer goes to the page around it.
cat >"$scratch/ask.html" <<'JS'
<script>
const wrong = [];
const root = document.documentElement;
if (root.scrollWidth > innerWidth) wrong.push(`${root.scrollWidth} px in ${innerWidth}`);
const pictures = [...document.querySelectorAll('svg[role=img]')];
for (const picture of pictures) {
  const place = picture.getBoundingClientRect();
  if (place.width < 150 || place.height < 150) wrong.push(`a picture of ${place.width} by ${place.height}`);
  if (picture.querySelectorAll('path').length < 2) wrong.push('a picture of nothing');
  const names = picture.getAttribute('aria-labelledby').split(' ');
  if (!names.every(name => document.getElementById(name).textContent)) wrong.push('a picture without words');
}
for (const label of document.querySelectorAll('.y span, .x span'))
  if (label.getBoundingClientRect().left < 0) wrong.push(`cut: ${label.textContent}`);
// Labels of one axis do not cover each other, nor does a name take the page from the numbers beside it.
for (const axis of document.querySelectorAll('.x, .y, .numbers')) {
  const boxes = [...axis.children].map(label => [label.getBoundingClientRect(), label.textContent]).filter(([box]) => box.width);
  boxes.forEach(([a, one], i) => boxes.slice(i + 1).forEach(([b, other]) => {
    const [wide, high] = [Math.min(a.right, b.right) - Math.max(a.left, b.left), Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)];
    if (wide > 1 && high > 1) wrong.push(`${axis.className}: ${one} covers ${other}`);
  }));
}
for (const cell of document.querySelectorAll('th, td:not(.number)'))
  if (cell.getBoundingClientRect().width > 400) wrong.push(`${cell.textContent.slice(0, 40)} is too wide`);
// Contrast of text by WCAG 2.1, level AA.
const parts = colour => colour.match(/[\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const ground = element => {
  for (let one = element; one; one = one.parentElement) {
    const colour = parts(getComputedStyle(one).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
let least = 99;
for (const element of document.querySelectorAll('body, body *')) {
  const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  if (!own || ['SCRIPT', 'title', 'desc'].includes(element.tagName)) continue;
  const [a, b] = [light(parts(getComputedStyle(element).color)), light(ground(element))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  least = Math.min(least, contrast);
  if (contrast < 4.5) wrong.push(`contrast ${contrast.toFixed(2)}: ${element.textContent.slice(0, 40)}`);
}
document.querySelectorAll('details').forEach(one => { one.open = true; });
if (root.scrollWidth > innerWidth) wrong.push(`opened: ${root.scrollWidth} px in ${innerWidth}`);
parent.postMessage(wrong.length ? `WRONG at ${innerWidth} px: ` + wrong.slice(0, 5).join('; ')
  : `RIGHT ${innerWidth} px, ${pictures.length} pictures, contrast ${least.toFixed(1)}; `, '*');
</script>
JS

# frame FILE WIDTH...: a page that shows $1 in frames of these widths, since no window is narrower than 500 px, and
# keeps what they tell.
frame() {
  local file=$1 width
  shift
  echo '<!doctype html><style>body { margin: 0; display: flex } iframe { border: 0; height: 1400px }</style>'
  echo '<script>onmessage = told => { document.body.dataset.told = (document.body.dataset.told || "") + told.data }</script>'
  for width in "$@"; do echo "<iframe src='file://$file' style='flex: 0 0 ${width}px'></iframe>"; done
}

# looks NAME PICTURES SCHEME...: opens $scratch/NAME.html in every way, and holds it to have so many pictures.
looks() {
  local name=$1 pictures=$2 page=$scratch/$1.html width scheme told expected
  shift 2
  ! grep -qE 'https?:|<script|<link|<img|url\(|@import' "$page" || fail "$name: something outside of it is named"
  # The page allows no script: a copy that does is asked.
  sed 's/<meta http-equiv="Content-Security-Policy"[^>]*>//' "$page" >"$scratch/asked.html"
  cat "$scratch/ask.html" >>"$scratch/asked.html"
  frame "$scratch/asked.html" 1280 400 >"$scratch/frames.html"
  for scheme in "$@"; do
    local way=("--blink-settings=preferredColorScheme=$([[ $scheme == dark ]] && echo 0 || echo 1)")
    browse "$scratch/log" "${way[@]}" --window-size=1680,1400 --virtual-time-budget=3000 --dump-dom \
      "file://$scratch/frames.html" >"$scratch/dom"
    told=$(grep -oE 'data-told="[^"]*"' "$scratch/dom") || fail "$name, $scheme: the browser says nothing"
    expected='RIGHT (1280|400) px, '$pictures' pictures, contrast [0-9.]+; '
    [[ $told =~ ^data-told=\"$expected$expected\"$ ]] || fail "$name, $scheme: $told"
    echo "$name, $scheme: $told"
    for width in 1280 400; do
      frame "$page" "$width" >"$scratch/frame.html"
      browse "$scratch/log" "${way[@]}" --window-size="$width,1400" --screenshot="$kept/$name-$width-$scheme.png" \
        "file://$scratch/frame.html"
      ! grep -q CONSOLE "$scratch/log" || fail "$name: $(grep CONSOLE "$scratch/log")"
      # A page of nothing packs to a few kilobytes.
      [[ $(stat -c %s "$kept/$name-$width-$scheme.png") -gt 30000 ]] || fail "$name, $width, $scheme: nothing is drawn"
    done
  done
  [[ $# == 1 ]] || ! cmp -s "$kept/$name-1280-$1.png" "$kept/$name-1280-$2.png" || fail "$name: $2 is as $1"
}

echo "a real run against clockfit's own server"
"$clockfit" measure -d 3s -i 10ms -o "$scratch/run.jsonl" -f html="$scratch/run.html" -f json="$scratch/run.json"
looks run 6 light dark
"$clockfit" report "$scratch/run.jsonl" -f html="$scratch/again.html"
cmp "$scratch/run.html" "$scratch/again.html" || fail "the recording gives another page"

echo "its JSON report, which has no single exchanges"
"$clockfit" report "$scratch/run.json" -f html="$scratch/json.html"
looks json 5 light

echo "a verdict on a recording of three servers, one of them wrong"
code=0
jq -cnr -f "$project/scripts/tests/html/recording.jq" >"$scratch/check.jsonl"
"$clockfit" check --replay "$scratch/check.jsonl" --for ceph-mon,etcd,cassandra --grade standard \
  -f html="$scratch/check.html" || code=$?
[[ $code == 1 || $code == 0 || $code == 3 ]] || fail "exit code $code"
looks check 19 light dark

echo "many exchanges, far tails, and a long name: labels have room"
# A name of 160 letters, and 300 000 exchanges of which the least and the most are far off
long=$(printf 'n%.0s' {1..160})
jq --arg long "$long" '.sources[0] |= (.source = $long | .address = $long)
  | (.sources[] | .offset_ns, .delay_ns) |= (.n = 300000 | .max = 3000000000)
  | .sources[].offset_ns.min = -3000000000' "$scratch/run.json" >"$scratch/wide.json"
"$clockfit" report "$scratch/wide.json" -f html="$scratch/wide.html"
looks wide 5 light

echo "what forty servers say of UTC"
"$clockfit" report "$scratch/check.jsonl" -f json | jq '.agreement.members |= [range(40) as $n | .[0]]' >"$scratch/forty.json"
"$clockfit" report "$scratch/forty.json" -f html="$scratch/forty.html"
looks forty '[0-9]+' light
# That labels have room is seen: in less of it they have none.
sed 's/--high:[0-9]*px//' "$scratch/forty.html" >"$scratch/squeezed.html"
! told=$(looks squeezed '[0-9]+' light) || fail "labels that cover each other are not seen"
[[ $told == *covers* ]] || fail "$told"

echo "which time a system is offered, configured with and using, with long names and many of them"
mkdir -p "$scratch/image/etc/openntpd"
for n in {1..20}; do echo "server ntp$n.example.org"; done >"$scratch/image/etc/openntpd/ntpd.conf"
echo "server $long" >>"$scratch/image/etc/openntpd/ntpd.conf"
"$clockfit" discover -f json >"$scratch/host.json"
"$clockfit" discover --root "$scratch/image" -f json | jq --arg long "$long" --slurpfile host "$scratch/host.json" '
  .daemons[0].sources[0] as $source | .root = "/" | .kernel = $host[0].kernel
  | .findings += [{code: "x", text: ($long + " is offered")}] | .missed += [{path: ("/etc/" + $long), why: "Permission denied"}]
  | .offers = [range(10) | {server: $long, by: "dhcp4", client: "NetworkManager", interface: "enp1s0", standing: "in_force",
      configured_by: null, used: false, evidence: $source.evidence}]
  | .running = [{name: "chronyd", daemon: null, untold: null, servers: [range(8) | {server: $long, name: $long,
      is_clock: false, selection: "rejected", evidence: ($source.evidence | .text = $long)}]}]' >"$scratch/survey.json"
"$clockfit" report "$scratch/survey.json" -f html="$scratch/survey.html"
looks survey 0 light dark

echo "it prints, with what is folded away: all of its tables"
# print_page NAME: how many bytes the print of $scratch/NAME.html has.
print_page() {
  browse "$scratch/log" --no-pdf-header-footer --print-to-pdf="$scratch/$1.pdf" "file://$scratch/$1.html"
  stat -c %s "$scratch/$1.pdf"
}
sed '/details::details-content/d' "$scratch/check.html" >"$scratch/folded.html"
opened=$(print_page check) folded=$(print_page folded)
[[ $opened -gt $((2 * folded)) ]] || fail "$opened bytes are printed, $folded without what is folded away"
