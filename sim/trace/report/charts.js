// SPDX-License-Identifier: Apache-2.0
// What timeline.js has read, counted: histograms, the table, for a deadlock the wait-for graph; and
// what buttons, keys and the mouse do.

// --- histograms ---

function histogram(id, values, color) {
  const canvas = $(id);
  const {c, width: w, height} = prepare(canvas, 150);
  const about = canvas.parentElement.querySelector('p');
  if (values.length === 0) {
    about.textContent = 'none in this trace';
    return;
  }
  values.sort((a, b) => a - b);
  const bounds = [];  // In microseconds, three a decade.
  for (let d = -2; d < 7; ++d) for (const k of [1, 2, 5]) bounds.push(k * Math.pow(10, d));
  const counts = new Array(bounds.length + 1).fill(0);
  for (const v of values) {
    const i = bounds.findIndex(b => v <= b);
    ++counts[i < 0 ? bounds.length : i];
  }
  const first = counts.findIndex(n => n > 0);
  const last = counts.length - 1 - [...counts].reverse().findIndex(n => n > 0);
  const from = Math.max(0, Math.min(first, counts.length - 6));
  const to = Math.min(counts.length - 1, Math.max(last, from + 5));
  const most = Math.max(...counts), bar = (w - 20) / (to - from + 1);
  for (let i = from; i <= to; ++i) {
    const tall = counts[i] / most * (height - 44), left = 10 + (i - from) * bar;
    c.fillStyle = color;
    c.fillRect(left + 2, height - 20 - tall, bar - 4, tall);
    c.fillStyle = style('--dim');
    c.textAlign = 'center';
    if (counts[i] > 0) c.fillText(counts[i], left + bar / 2, height - 25 - tall, bar);
    const label = i < bounds.length ? time(bounds[i]).replace(/\.0+ /, ' ') : 'more';
    if (bar > 62 || (i - from) % Math.ceil(66 / bar) === 0) {
      const half = c.measureText('≤ ' + label).width / 2 + 2;  // The whole label stays inside.
      c.fillText('≤ ' + label, Math.min(Math.max(left + bar / 2, half), w - half), height - 6);
    }
  }
  const at = p => time(values[Math.min(values.length - 1, Math.floor(p * values.length))]);
  about.textContent = plural(values.length, 'sample') + ' · median ' + at(0.5) + ' · p95 '
    + at(0.95) + ' · p99 ' + at(0.99) + ' · most ' + time(values[values.length - 1]);
}

// From the end of one turn to the start of the next, when the loop did not wait in between.
function switches() {
  const turns = tasks.flatMap(l => l.slices.filter(s => s.state === 'running'));
  turns.sort((a, b) => a.from - b.from);
  const waits = (trace.lanes.get(0)?.slices ?? []).map(s => s.from);
  const gaps = [];
  let w = 0;
  for (let i = 1; i < turns.length; ++i) {
    while (w < waits.length && waits[w] < turns[i - 1].to) ++w;
    if (w < waits.length && waits[w] <= turns[i].from) continue;
    gaps.push(Math.max(0, turns[i].from - turns[i - 1].to));
  }
  return gaps;
}

// --- table ---

const columns = [
  ['name', l => l.name], ['turns', l => l.turns], ['calls', l => l.calls],
  ['running', l => l.spent.running, time], ['waits to run', l => l.spent.runnable, time],
  ['asleep or waiting', l => l.spent.waiting, time],
  ['longest wait to run', l => l.slices.reduce(
    (most, s) => s.state === 'runnable' ? Math.max(most, s.to - s.from) : most, 0), time],
  ['fuel', l => l.fuel],
  ['at the end', l => l.ended ? 'ended' : l.slices.length
    ? l.slices[l.slices.length - 1].what + (l.pending ? ' in ' + l.pending : '') : ''],
];
function fill(by = 0, down = false) {
  const table = $('table');
  table.replaceChildren();
  const head = table.createTHead().insertRow();
  columns.forEach(([name], i) => {
    const th = document.createElement('th');
    th.textContent = name + (i === by ? (down ? ' ▾' : ' ▴') : '');
    th.onclick = () => fill(i, i === by ? !down : i > 0);
    head.append(th);
  });
  const body = table.createTBody();
  const value = columns[by][1];
  const order = (a, b) => typeof value(a) === 'string'
    ? value(a).localeCompare(value(b), undefined, {numeric: true}) : value(a) - value(b);
  for (const l of [...tasks].sort((a, b) => down ? order(b, a) : order(a, b))) {
    const row = body.insertRow();
    for (const [, get, text] of columns) row.insertCell().textContent = text ? text(get(l)) : get(l);
  }
}

// --- the wait-for graph ---

function element(name, attributes, text) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawGraph() {
  const stuck = tasks.filter(l => !l.ended);
  if (trace.ending !== 'deadlock' || stuck.length === 0) return;
  $('deadlock').hidden = false;
  const svg = $('graph');
  const shown = stuck.slice(0, 24);
  const size = Math.max(320, 130 + shown.length * 34), middle = 500;
  svg.setAttribute('viewBox', `0 0 1000 ${size}`);
  svg.append(element('defs', {}));
  svg.firstChild.innerHTML = '<marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8"'
    + ' markerHeight="8" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#b0304a"'
    + ' stroke="none"/></marker>';
  const places = new Map();
  shown.forEach((l, i) => {
    const angle = shown.length === 1 ? -Math.PI / 2 : Math.PI * (2 * i / shown.length - 1);
    places.set(l.tid, {x: middle + 310 * Math.cos(angle), y: size / 2 + (size / 2 - 50) * Math.sin(angle)});
  });
  for (const l of shown) {
    const to = places.get(l.wokenBy);
    const from = places.get(l.tid);
    if (to === undefined || l.wokenBy === l.tid) continue;
    // From border to border of the boxes, bent a little so that two ways don't cover each other.
    const dx = to.x - from.x, dy = to.y - from.y;
    const k = Math.min(105 / Math.max(1, Math.abs(dx)), 26 / Math.max(1, Math.abs(dy)));
    const a = {x: from.x + dx * k, y: from.y + dy * k}, b = {x: to.x - dx * k, y: to.y - dy * k};
    const bend = {x: (a.x + b.x) / 2 - dy * 0.12, y: (a.y + b.y) / 2 + dx * 0.12};
    svg.append(element('path', {d: `M${a.x} ${a.y}Q${bend.x} ${bend.y} ${b.x} ${b.y}`,
                                'marker-end': 'url(#tip)', class: 'edge'}));
  }
  for (const l of shown) {
    const {x: cx, y: cy} = places.get(l.tid);
    const last = l.slices[l.slices.length - 1];
    svg.append(element('rect', {x: cx - 105, y: cy - 24, width: 210, height: 48, rx: 7}));
    svg.append(element('text', {x: cx, y: cy - 4, 'text-anchor': 'middle'}, l.name));
    svg.append(element('text', {x: cx, y: cy + 14, 'text-anchor': 'middle', class: 'reason'},
      last.what + (l.pending ? ' in ' + l.pending : '')));
    if (l.wokenBy === null || !places.has(l.wokenBy)) {
      svg.append(element('text', {x: cx, y: cy + 42, 'text-anchor': 'middle', class: 'reason'},
                         'no one here has woken it'));
    }
  }
}

// --- putting it together ---

const lanesCanvas = $('lanes');
lanesCanvas.addEventListener('wheel', e => {
  if (e.shiftKey) return;  // Scrolls.
  e.preventDefault();
  zoom(e.deltaY > 0 ? 1.25 : 0.8, timeAt(Math.max(LEFT, e.offsetX)));
}, {passive: false});
let dragged = false;
lanesCanvas.addEventListener('mousedown', () => { dragged = false; });
lanesCanvas.addEventListener('mousemove', e => {
  if (e.buttons !== 1 || e.movementX === 0) return;
  dragged = true;
  move(-e.movementX / (width - LEFT));
});
lanesCanvas.addEventListener('click', e => { if (!dragged) tell(e); });
$('in').onclick = () => zoom(0.5);
$('out').onclick = () => zoom(2);
$('left').onclick = () => move(-0.3);
$('right').onclick = () => move(0.3);
$('all').onclick = () => show(whole.from, whole.to);
const keys = {'+': 'in', '-': 'out', 'ArrowLeft': 'left', 'ArrowRight': 'right', '0': 'all'};
document.addEventListener('keydown', e => { if (keys[e.key]) $(keys[e.key]).click(); });
window.addEventListener('resize', render);

function render() {
  draw();
  histogram('wait', tasks.flatMap(l => l.slices).filter(s => s.state === 'runnable')
                         .map(s => s.to - s.from), COLORS.runnable);
  histogram('late', trace.late, '#6a9a5b');
  histogram('switch', switches(), COLORS.running);
}

$('title').textContent = NAME;
$('summary').textContent = (tasks.length === 1 ? '1 guest or task, '
                                               : tasks.length + ' guests and tasks, ') + time(whole.to - whole.from) + ', ' + plural(events.length, 'event')
  + (trace.ending ? '; the run ended by: ' + trace.ending : '');
$('depth').textContent = 'at most ' + queue.most;
drawGraph();
fill();
render();
document.body.dataset.drawn = tasks.reduce((n, l) => n + l.slices.length, 0);
