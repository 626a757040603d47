// SPDX-License-Identifier: Apache-2.0
'use strict';
// Reads the trace that lies in the page (Chrome's format, as sim/trace/trace_file.cpp writes it)
// and draws it over time.
//
//   events -> lanes with slices -> timeline and run queue, which share one view of time
//                               -> charts.js

const $ = id => document.getElementById(id);
const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const COLORS = {running: style('--running'), runnable: style('--runnable'),
                waiting: style('--waiting'), wait: style('--waiting'),
                sleeping: style('--waiting'), idle: style('--waiting')};
// Processes in a trace: of the Gs, of the Ms, and behind them one of the goroutines of each Go guest.
// Then where the lanes of the Ms, and of each guest's goroutines, begin here.
const GS = 1, MS = 2, FIRST_M = 1e6, FIRST_GOROUTINE = 1e9;
const ROW = 22, LEFT = 170, AXIS = 26;

// --- reading ---

function read(events) {
  const lanes = new Map();
  const lane = tid => {
    if (!lanes.has(tid)) {
      lanes.set(tid, {tid, name: 'G' + tid, slices: [], marks: [], turns: 0, calls: 0, fuel: 0,
                      spent: {running: 0, runnable: 0, waiting: 0}, open: null, wokenBy: null,
                      pending: '', ended: false});
    }
    return lanes.get(tid);
  };
  const idOf = e => e.pid > MS ? FIRST_GOROUTINE * (e.pid - MS) + e.tid
                               : e.pid === MS ? FIRST_M + e.tid : e.tid;
  const found = {lanes, late: [], start: Infinity, end: 0, ending: ''};
  let running = null;
  for (const e of events) {
    if (e.ph === 'M') {
      if (e.name === 'thread_name') lane(idOf(e)).name = e.args.name;
      continue;
    }
    const ofG = e.pid === GS;
    found.start = Math.min(found.start, e.ts);
    found.end = Math.max(found.end, e.ts);
    const l = lane(idOf(e));
    if (e.ph === 'B') {
      if (e.cat === 'runnable' && l.last === 'waiting') l.wokenBy = running;
      if (e.cat === 'running' && ofG) ++l.turns, running = e.tid;
      l.open = {state: e.cat, what: e.name, from: e.ts, to: e.ts};
      l.ended = false;
    } else if (e.ph === 'E') {
      if (l.open) {
        l.open.to = e.ts;
        l.slices.push(l.open);
        l.last = l.open.state;
        if (ofG && l.open.state === 'running' && running === e.tid) running = null;
      }
      l.open = null;
      l.ended = true;
    } else if (e.cat === 'return') {
      ++l.calls;
      l.marks.push({at: e.ts, what: e.name, result: e.args.value});
    } else if (e.cat === 'timer') {
      l.due = e.args.value / 1000;
    } else if (e.cat === 'fuel') {
      l.fuel = e.args.value;
    } else if (e.cat === 'pending') {
      l.pending = e.name;
    } else if (e.cat === 'end') {
      found.ending = e.name;
    }
    if (e.ph === 'B' && e.cat === 'running' && l.due !== undefined) {
      found.late.push(Math.max(0, e.ts - l.due));
      l.due = undefined;
    }
  }
  if (found.start > found.end) found.start = found.end;
  for (const l of lanes.values()) {
    if (l.open) l.slices.push({...l.open, to: found.end});
    for (const s of l.slices) l.spent[s.state] = (l.spent[s.state] || 0) + s.to - s.from;
  }
  return found;
}

const events = JSON.parse($('trace').textContent);
const trace = read(events);
const rows = [...trace.lanes.values()].filter(l => l.slices.length > 0 || l.tid === 0)
                                      .sort((a, b) => a.tid - b.tid);
const tasks = rows.filter(l => l.tid > 0 && l.tid < FIRST_M);

// --- numbers for people ---

function time(us) {
  const size = Math.abs(us);
  if (size >= 1e6) return (us / 1e6).toFixed(3) + ' s';
  if (size >= 1e3) return (us / 1e3).toFixed(3) + ' ms';
  if (size >= 1) return us.toFixed(2) + ' µs';
  return Math.round(us * 1000) + ' ns';
}
const plural = (n, word) => n + ' ' + word + (n === 1 ? '' : 's');

// --- canvases ---

function prepare(canvas, height) {
  const scale = window.devicePixelRatio || 1;
  const width = canvas.parentElement.clientWidth - 2;
  canvas.style.height = height + 'px';
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const c = canvas.getContext('2d');
  c.setTransform(scale, 0, 0, scale, 0, 0);
  c.clearRect(0, 0, width, height);
  c.font = '12px system-ui, "DejaVu Sans", sans-serif';
  return {c, width, height};
}

// --- the view of time ---

const whole = {from: trace.start, to: Math.max(trace.end, trace.start + 0.001)};
let view = {...whole};
let width = 1000;
let selected = null;
const x = t => LEFT + (t - view.from) / (view.to - view.from) * (width - LEFT);
const timeAt = px => view.from + (px - LEFT) / (width - LEFT) * (view.to - view.from);

function show(from, to) {
  const span = Math.min(Math.max(to - from, 0.01), whole.to - whole.from);
  from = Math.min(Math.max(from, whole.from), whole.to - span);
  view = {from, to: from + span};
  draw();
}
function zoom(factor, at = (view.from + view.to) / 2) {
  show(at - (at - view.from) * factor, at + (view.to - at) * factor);
}
const move = part => show(view.from + part * (view.to - view.from),
                          view.to + part * (view.to - view.from));

function firstVisible(slices) {
  let low = 0, high = slices.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (slices[middle].to < view.from) low = middle + 1; else high = middle;
  }
  return low;
}

function drawSlices(c, lane, y) {
  const painted = {running: -1, runnable: -1, waiting: -1, wait: -1};
  for (let i = firstVisible(lane.slices); i < lane.slices.length; ++i) {
    const s = lane.slices[i];
    if (s.from > view.to) break;
    const from = Math.max(LEFT, x(s.from)), to = Math.min(width, x(s.to));
    if (to <= painted[s.state]) continue;  // This column has that colour already.
    const tall = s.state === 'waiting' || s.state === 'wait' ? 5 : ROW - 8;
    c.fillStyle = COLORS[s.state] || '#999';
    c.fillRect(from, y + (ROW - tall) / 2, Math.max(1, to - from), tall);
    painted[s.state] = Math.max(to, Math.ceil(from));
    if (s === selected) {
      c.strokeStyle = style('--text');
      c.lineWidth = 1.5;
      c.strokeRect(from, y + 3, Math.max(2, to - from), ROW - 6);
    }
    if (to - from > 60 && tall > 8) {
      c.fillStyle = s.state === 'running' ? '#fff' : '#3a2a00';
      c.save();
      c.beginPath();
      c.rect(from, y, to - from - 4, ROW);
      c.clip();
      c.fillText(s.what, from + 5, y + ROW - 7);
      c.restore();
    }
  }
  let last = -1;
  c.fillStyle = style('--call');
  for (const m of lane.marks) {
    if (m.at < view.from || m.at > view.to) continue;
    const at = Math.round(x(m.at));
    if (at <= last + 2) continue;
    c.fillRect(at, y + ROW - 6, 1.5, 5);
    last = at;
  }
}

function drawAxis(c, height) {
  const span = view.to - view.from;
  const raw = span / Math.max(2, (width - LEFT) / 130);
  const power = Math.pow(10, Math.floor(Math.log10(raw)));
  const NS = 0.001;  // Nothing happens between two nanoseconds, so no label stands there.
  const step = Math.max(NS, [1, 2, 5, 10].map(k => k * power).find(k => k >= raw));
  c.fillStyle = style('--dim');
  c.strokeStyle = style('--line');
  c.lineWidth = 1;
  for (let t = Math.ceil((view.from - whole.from) / step) * step; t <= view.to - whole.from;
       t += step) {
    const at = Math.round(x(t + whole.from)) + 0.5;
    c.beginPath();
    c.moveTo(at, AXIS - 6);
    c.lineTo(at, height);
    c.stroke();
    const text = time(Number(t.toPrecision(12))).replace(/(\.\d*?)0+ /, '$1 ').replace('. ', ' ');
    c.fillText(text, Math.min(at + 4, width - 60), 14);
  }
}

function drawLanes() {
  const {c, width: w, height} = prepare($('lanes'), AXIS + rows.length * ROW + 6);
  width = w;
  drawAxis(c, height);
  rows.forEach((lane, i) => {
    const y = AXIS + i * ROW;
    if (i % 2 === 1) {
      c.fillStyle = 'rgba(31, 41, 51, 0.035)';
      c.fillRect(0, y, width, ROW);
    }
    drawSlices(c, lane, y);
    c.fillStyle = '#fff';
    c.fillRect(0, y, LEFT - 4, ROW);
    c.fillStyle = style('--text');
    c.fillText(lane.name, 8, y + ROW - 7, LEFT - 16);
  });
}

const queue = (() => {
  const steps = [];
  for (const l of tasks) {
    for (const s of l.slices) if (s.state === 'runnable') steps.push([s.from, 1], [s.to, -1]);
  }
  steps.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  let depth = 0, most = 0;
  const points = steps.map(([t, d]) => {
    depth += d;
    most = Math.max(most, depth);
    return [t, depth];
  });
  return {points, most};
})();

function drawQueue() {
  const {c, height} = prepare($('queue'), 70);
  const y = depth => height - 4 - depth / Math.max(1, queue.most) * (height - 14);
  c.fillStyle = COLORS.runnable;
  c.globalAlpha = 0.75;
  const bar = (from, to, d) => {
    if (d > 0 && to > from) c.fillRect(from, y(d), to - from, height - 4 - y(d));
  };
  let column = LEFT, tallest = 0, depth = 0;  // The most in this column, and what it ends with.
  for (const [t, d] of [...queue.points, [view.to, 0]]) {
    const at = Math.min(width, Math.max(LEFT, Math.floor(x(t))));
    if (at > column) {
      bar(column, column + 1, tallest);
      bar(column + 1, at, depth);
      column = at;
      tallest = depth;
    }
    tallest = Math.max(tallest, d);
    depth = d;
  }
  c.globalAlpha = 1;
  c.fillStyle = style('--dim');
  c.fillText('most: ' + queue.most, 8, 16);
}

function draw() {
  drawLanes();
  drawQueue();
  document.body.dataset.span = view.to - view.from;
}

// --- telling about one place ---

function sliceAt(e) {
  const lane = rows[Math.floor((e.offsetY - AXIS) / ROW)];
  if (lane === undefined || e.offsetX < LEFT) return {};
  const t = timeAt(e.offsetX), near = 3 * (view.to - view.from) / (width - LEFT);
  const there = lane.slices.filter(s => s.from <= t + near && t <= s.to + near);
  const order = {running: 0, runnable: 1};
  there.sort((a, b) => (order[a.state] ?? 2) - (order[b.state] ?? 2));
  const inside = there.filter(s => s.from <= t && t <= s.to);
  return {lane, slice: inside[0] ?? there[0]};
}

function tell(e) {
  const {lane, slice} = sliceAt(e);
  selected = slice ?? null;
  if (lane === undefined) return;
  if (slice === undefined) {
    $('about').textContent = lane.name + ': nothing here';
  } else {
    const calls = lane.marks.filter(m => m.at >= slice.from && m.at <= slice.to);
    const names = calls.slice(0, 8).map(m => m.what + (m.result ? ' (errno ' + m.result + ')' : ''));
    $('about').textContent = lane.name + ': ' + slice.state
      + (slice.what !== slice.state ? ' (' + slice.what + ')' : '') + ' for '
      + time(slice.to - slice.from) + ', from ' + time(slice.from - whole.from) + ' to '
      + time(slice.to - whole.from)
      + (names.length ? '; ' + plural(calls.length, 'host call') + ': ' + names.join(', ')
                        + (calls.length > 8 ? ', ...' : '') : '');
  }
  drawLanes();
}
