// The report's page. The trace lies in it as JSON; the script at the end draws it.
//
//   lanes        one a G; a box for each state it was in, coloured; wheel zooms, dragging moves
//   queue        how many Gs were runnable, over time
//   histograms   how long Gs waited to run, and how long they slept or waited
//   table        a row for each G: turns, time in each state, calls
#include "sim/report_page.h"

namespace weft::sim {
namespace {

constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>weft report</title><style>
body { font: 14px sans-serif; margin: 1em 2em; }
canvas { border: 1px solid #999; display: block; }
table { border-collapse: collapse; }
td, th { padding: 2px 10px; text-align: right; border-bottom: 1px solid #ddd; }
td:first-child, th:first-child { text-align: left; }
pre { background: #f4f4f4; padding: 4px; min-height: 1.2em; }
.key span { padding: 0 8px; margin-right: 8px; }
</style></head><body>
<h1 id="title"></h1><p id="summary"></p>
<p class="key"><span style="background:#4c9f4c">running</span>
<span style="background:#e8b03a">runnable</span><span style="background:#9db7d8">waiting</span>
<button id="in">zoom in</button> <button id="out">zoom out</button>
<button id="all">show all</button></p>
<canvas id="lanes" width="1200" height="100"></canvas><pre id="about">click on a box</pre>
<h2>Run queue</h2><canvas id="queue" width="1200" height="80"></canvas>
<h2>Waiting to run</h2><canvas id="runnable" width="600" height="120"></canvas>
<h2>Asleep or waiting</h2><canvas id="waiting" width="600" height="120"></canvas>
<h2>Guests and tasks</h2><table id="table"></table>
<script type="application/json" id="trace">)";

constexpr std::string_view kScript = R"(</script><script>
'use strict';
const colors = {running: '#4c9f4c', runnable: '#e8b03a', waiting: '#9db7d8'};
const events = JSON.parse(document.getElementById('trace').textContent);
const lanes = new Map();
const slices = [];
const open = new Map();
let end = 0;
for (const e of events) {
  if (e.ph === 'M') {
    if (e.tid > 0) lanes.set(e.tid, {name: e.args.name, turns: 0, calls: 0, spent: {}});
    continue;
  }
  const lane = lanes.get(e.tid);
  end = Math.max(end, e.ts);
  if (!lane) continue;
  if (e.ph === 'B') open.set(e.tid, {tid: e.tid, state: e.cat, what: e.name, from: e.ts});
  if (e.ph === 'B' && e.cat === 'running') ++lane.turns;
  if (e.ph === 'i' && e.cat === 'return') ++lane.calls;
  if (e.ph === 'E' && open.has(e.tid)) {
    slices.push({...open.get(e.tid), to: e.ts});
    open.delete(e.tid);
  }
}
for (const slice of open.values()) slices.push({...slice, to: end});
const start = slices.reduce((least, s) => Math.min(least, s.from), end);
for (const s of slices) {
  const spent = lanes.get(s.tid).spent;
  spent[s.state] = (spent[s.state] || 0) + s.to - s.from;
}
const rows = [...lanes.keys()];
const rowHeight = 22, left = 160;
const canvas = document.getElementById('lanes');
canvas.height = Math.max(1, rows.length) * rowHeight + 20;
let view = {from: start, to: Math.max(end, start + 1)};
const x = t => left + (t - view.from) / (view.to - view.from) * (canvas.width - left);
function draw() {
  const c = canvas.getContext('2d');
  c.clearRect(0, 0, canvas.width, canvas.height);
  c.font = '12px sans-serif';
  for (const s of slices) {
    if (s.to < view.from || s.from > view.to) continue;
    const from = Math.max(left, x(s.from));
    c.fillStyle = colors[s.state] || '#ccc';
    c.fillRect(from, rows.indexOf(s.tid) * rowHeight + 2,
               Math.max(1, Math.min(canvas.width, x(s.to)) - from), rowHeight - 4);
  }
  c.fillStyle = '#000';
  rows.forEach((tid, i) => c.fillText(lanes.get(tid).name, 2, i * rowHeight + 15, left - 6));
  c.fillText((view.from / 1000).toFixed(3) + ' ms', left, canvas.height - 5);
  c.fillText((view.to / 1000).toFixed(3) + ' ms', canvas.width - 90, canvas.height - 5);
  drawQueue();
}
function drawQueue() {
  const q = document.getElementById('queue'), c = q.getContext('2d');
  const steps = [];
  for (const s of slices) if (s.state === 'runnable') steps.push([s.from, 1], [s.to, -1]);
  steps.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  let depth = 0, most = 1;
  for (const [, d] of steps) most = Math.max(most, depth += d);
  c.clearRect(0, 0, q.width, q.height);
  c.beginPath();
  depth = 0;
  for (const [t, d] of steps) {
    c.lineTo(x(t), q.height - 4 - depth / most * (q.height - 16));
    depth += d;
    c.lineTo(x(t), q.height - 4 - depth / most * (q.height - 16));
  }
  c.stroke();
  c.fillText('most: ' + most, 2, 12);
}
function histogram(state) {
  const h = document.getElementById(state), c = h.getContext('2d');
  const buckets = new Array(12).fill(0);
  for (const s of slices) {
    if (s.state !== state) continue;
    buckets[Math.min(11, Math.max(0, Math.ceil(Math.log10(s.to - s.from + 1e-3)) + 3))]++;
  }
  const most = Math.max(1, ...buckets);
  buckets.forEach((n, i) => {
    c.fillStyle = colors[state];
    c.fillRect(i * 50 + 4, 100 - n / most * 85, 42, n / most * 85);
    c.fillStyle = '#000';
    c.fillText(n || '', i * 50 + 10, 96 - n / most * 85);
    c.fillText('1e' + (i - 3) + ' us', i * 50 + 6, 114);
  });
}
function zoom(factor, at) {
  const middle = at === undefined ? (view.from + view.to) / 2 : at;
  view = {from: middle - (middle - view.from) * factor, to: middle + (view.to - middle) * factor};
  draw();
}
const time = e => view.from + (e.offsetX - left) / (canvas.width - left) * (view.to - view.from);
canvas.addEventListener('wheel', e => {
  e.preventDefault();
  zoom(e.deltaY > 0 ? 1.25 : 0.8, time(e));
});
canvas.addEventListener('mousemove', e => {
  if (e.buttons !== 1) return;
  const by = -e.movementX / (canvas.width - left) * (view.to - view.from);
  view = {from: view.from + by, to: view.to + by};
  draw();
});
canvas.addEventListener('click', e => {
  const tid = rows[Math.floor(e.offsetY / rowHeight)], t = time(e);
  const slice = slices.find(s => s.tid === tid && s.from <= t && t <= s.to);
  document.getElementById('about').textContent = slice === undefined ? 'nothing here'
    : lanes.get(tid).name + ': ' + slice.state + ' (' + slice.what + ') from '
      + (slice.from / 1000).toFixed(6) + ' ms for ' + ((slice.to - slice.from) / 1000).toFixed(6)
      + ' ms';
});
document.getElementById('in').onclick = () => zoom(0.5);
document.getElementById('out').onclick = () => zoom(2);
document.getElementById('all').onclick = () => {
  view = {from: start, to: Math.max(end, start + 1)};
  draw();
};
const cell = (row, text) => { row.insertCell().textContent = text; };
const table = document.getElementById('table');
const header = table.insertRow();
for (const text of ['name', 'turns', 'calls', 'running ms', 'runnable ms', 'waiting ms']) {
  cell(header, text);
}
for (const lane of lanes.values()) {
  const row = table.insertRow();
  cell(row, lane.name);
  cell(row, lane.turns);
  cell(row, lane.calls);
  for (const state of ['running', 'runnable', 'waiting']) {
    cell(row, ((lane.spent[state] || 0) / 1000).toFixed(3));
  }
}
document.getElementById('summary').textContent =
  lanes.size + ' guests and tasks, ' + ((end - start) / 1000).toFixed(3) + ' ms, '
  + events.length + ' events';
histogram('runnable');
histogram('waiting');
draw();
document.body.dataset.drawn = slices.length;
</script></body></html>
)";

// Inside a script element nothing may look like its end.
std::string inside_script(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

Result<std::string> report_page(std::string_view title, std::string_view trace) {
  if (!trace.starts_with("[\n{")) return Error{"is no trace of weft run --trace FILE.json"};
  std::string json(trace);
  while (!json.empty() && (json.back() == '\n' || json.back() == ' ')) json.pop_back();
  if (!json.ends_with("}\n]")) {  // Cut off: up to the last whole event.
    const std::size_t last = json.rfind("},\n{");
    json.resize(last == std::string::npos ? 0 : last + 1);
    if (json.empty()) return Error{"holds no whole event"};
    json += "\n]";
  }
  std::string page(kHead);
  page += inside_script(json);
  page += "</script><script>document.getElementById('title').textContent = '";
  for (const char c : title) {
    const bool plain = c != '\'' && c != '\\' && c != '<' && static_cast<unsigned char>(c) >= 0x20;
    page += plain ? c : '_';
  }
  page += "';";
  page += kScript;
  return page;
}

}  // namespace weft::sim
