// What the reader does: moves about, opens and closes scopes, selects, searches.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);
const canvas = $("canvas"), panel = $("panel"), search = $("search"), found = $("found");

// ---- What the graph says ----

const items = data.items, nodes = data.nodes;
const isBox = i => items[i].node < 0;
const maker = new Map(); // by value: the node that makes it
const readers = new Map(); // by value: the nodes that read it
nodes.forEach((n, i) => {
  for (const v of n.outs) maker.set(v.id, i);
  for (const v of n.ins) readers.set(v, [...(readers.get(v) ?? []), i]);
});
const typeOf = v => nodes[maker.get(v)].outs.find(o => o.id === v).type;
const derived = new Map(); // by forward node: the nodes of its gradient
nodes.forEach((n, i) => {
  if (n.origin >= 0) derived.set(n.origin, [...(derived.get(n.origin) ?? []), i]);
});
const children = items.map(() => []);
items.forEach((it, i) => { if (it.parent >= 0) children[it.parent].push(i); });
const refs = new Map(); // by node: the references to it
items.forEach((it, i) => {
  if (it.ref !== undefined) refs.set(it.node, [...(refs.get(it.node) ?? []), i]);
});
const wiresOf = items.map(() => []); // by leaf: indices of its wires
data.wires.forEach((w, k) => { for (const i of new Set([w.from, ...w.to])) wiresOf[i].push(k); });

const measures = {
  macs: {name: "multiply-adds", of: n => n.macs ?? 0, text: count},
  bytes: {name: "memory of results", of: n => n.bytes, text: bytes},
  params: {name: "parameters", of: n => n.params ?? 0, text: count},
  time: {name: "measured time", of: n => n.measured?.nanoseconds ?? 0, text: time},
  memory: {name: "measured memory", of: n => n.measured?.bytes ?? 0, text: bytes},
};
const totals = {}; // by measure and item
for (const [key, m] of Object.entries(measures)) {
  const sum = totals[key] = items.map(it => it.node >= 0 && it.ref === undefined ? m.of(nodes[it.node]) : 0);
  for (let i = items.length - 1; i >= 0; i--) if (items[i].parent >= 0) sum[items[i].parent] += sum[i];
  m.whole = items.reduce((t, it, i) => it.parent < 0 ? t + sum[i] : t, 0);
}
const inside = items.map(it => it.node >= 0 && it.ref === undefined ? 1 : 0); // nodes in an item
for (let i = items.length - 1; i >= 0; i--) if (items[i].parent >= 0) inside[items[i].parent] += inside[i];

function count(n) { return Math.round(n).toLocaleString("en"); }
function bytes(n) {
  for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]]) if (n >= size) return number(n / size, 3) + " " + unit;
  return count(n) + " bytes";
}
function time(ns) {
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) if (ns >= size) return number(ns / size, 3) + " " + unit;
  return Math.round(ns) + " ns";
}
function number(x, digits = 4) { return Number(x.toPrecision(digits)).toString(); } // toPrecision alone gives 1.0e+2 of 100

// nodeName is a node as it stands in lists: its path, and the number of its first result.
function nodeName(i) { return items[nodes[i].item].path + " %" + nodes[i].outs[0].id; }

// ---- Elements ----

function svg(tag, attributes, ...content) { return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, content); }
function html(tag, attributes, ...content) { return fill(document.createElement(tag), attributes, content); }
function fill(e, attributes, content) {
  for (const [k, v] of Object.entries(attributes ?? {})) {
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (v !== undefined && v !== false) e.setAttribute(k, v === true ? "" : v);
  }
  e.append(...content.filter(c => c !== undefined && c !== null && c !== false));
  return e;
}

// ---- The picture ----

const open = new Set(items.flatMap((it, i) => it.open ? [i] : []));
let drawing; // what place returns
let eye = {x: 0, y: 0, scale: 1}; // the point at the upper left corner, and pixels to a unit
let chosen = -1; // item
let heat = ""; // key of measures
let hottest = 0; // the most that a drawn item has of it
let drawn; // the part of the picture that has elements
const world = svg("g");
canvas.append(world);

function rearrange(anchor) {
  const before = anchor >= 0 ? drawing?.boxes[anchor] : undefined;
  drawing = place(data, i => open.has(i));
  const after = anchor >= 0 ? drawing.boxes[anchor] : undefined;
  if (before && after) { // what the reader pointed at stays where it is
    eye.x += after.x - before.x;
    eye.y += after.y - before.y;
  }
  recolour();
}

// recolour finds what the darkest colour stands for, and shows it. Items that are not drawn have no box.
function recolour() {
  hottest = heat && drawing.boxes.reduce((most, b, i) => b && !b.open ? Math.max(most, totals[heat][i]) : most, 0);
  for (const e of $("legend").children) e.hidden = (e.id === "scale") !== Boolean(heat);
  if (heat) $("most").textContent = measures[heat].text(hottest);
  drawn = undefined;
  look();
}

let asked = false;
function look() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    show();
  });
}

// show moves the picture, and draws what has come into sight, with some more around it for the next moves.
function show() {
  const r = canvas.getBoundingClientRect(), w = r.width / eye.scale, h = r.height / eye.scale;
  world.setAttribute("transform", `scale(${eye.scale}) translate(${-eye.x} ${-eye.y})`);
  world.classList.toggle("distant", eye.scale < 0.5);
  world.classList.toggle("remote", eye.scale < 0.25);
  const inSight = drawn && drawn.x0 <= eye.x && drawn.y0 <= eye.y && drawn.x1 >= eye.x + w && drawn.y1 >= eye.y + h;
  if (inSight && drawn.x1 - drawn.x0 < 6 * w) return;
  drawn = {x0: eye.x - w * 0.6, y0: eye.y - h * 0.6, x1: eye.x + w * 1.6, y1: eye.y + h * 1.6};
  const sees = (x0, y0, x1, y1) => x0 <= drawn.x1 && x1 >= drawn.x0 && y0 <= drawn.y1 && y1 >= drawn.y0;
  const boxes = [], leaves = [], labels = new Map();
  const paths = {wire: [], up: [], arrow: []};
  drawing.boxes.forEach((b, i) => {
    if (b && sees(b.x, b.y, b.x + b.w, b.y + b.h)) (b.open ? boxes : leaves).push(b.open ? box(i, b) : leaf(i, b));
  });
  for (const l of drawing.lines) {
    const wire = data.wires[l.wire];
    if (!sees(Math.min(l.x0, l.x1), l.y0, Math.max(l.x0, l.x1) + wire.width, l.y1)) continue;
    paths[l.up ? "up" : "wire"].push(curve(l));
    if (l.arrow) paths.arrow.push(l.up ? `M${l.x0} ${l.y0}l-3.5 7h7z` : `M${l.x1} ${l.y1}l-3.5 -7h7z`);
    if (l.label) labels.set(`${l.x0} ${l.y0}`, svg("text", {class: "type", x: l.x0 + data.distances.Text, y: l.y0 + 13}, wire.type));
  }
  world.replaceChildren(
    svg("g", {}, ...boxes),
    svg("path", {class: "wire", d: paths.wire.join("")}), svg("path", {class: "wire up", d: paths.up.join("")}),
    svg("path", {class: "arrow", d: paths.arrow.join("")}),
    svg("g", {id: "lit"}), svg("g", {}, ...labels.values()), svg("g", {id: "leaves"}, ...leaves));
  light();
}

function curve(l) {
  if (l.x0 === l.x1) return `M${l.x0} ${l.y0}V${l.y1}`;
  const mid = (l.a + l.b) / 2;
  return `M${l.x0} ${l.y0}V${l.a}C${l.x0} ${mid} ${l.x1} ${mid} ${l.x1} ${l.b}V${l.y1}`;
}

function depth(i) {
  let d = 0;
  for (let p = items[i].parent; p >= 0; p = items[p].parent) d++;
  return d;
}

function fold(x, y, opened) {
  return svg("g", {class: "fold", transform: `translate(${x} ${y})`},
    svg("title", {}, opened ? "Close" : "Open"), svg("circle", {r: 7}), svg("path", {d: opened ? "M-3.5 0h7" : "M-3.5 0h7M0 -3.5v7"}));
}

function box(i, b) {
  return svg("g", {class: depth(i) % 2 ? "box odd" : "box", "data-item": i},
    svg("title", {}, items[i].path + ": " + items[i].detail),
    svg("rect", {x: b.x, y: b.y, width: b.w, height: b.h, rx: 8}),
    svg("text", {class: "title", x: b.x + 10, y: b.y + 16}, items[i].title),
    fold(b.x + b.w - 13, b.y + 12, true));
}

function leaf(i, b) {
  const it = items[i], shut = isBox(i), ref = it.ref !== undefined;
  const source = !shut && !["forward", "gradient", "update"].includes(it.kind);
  const classes = ["item", it.kind, shut && "closed", (ref || source) && "small", ref && "ref"].filter(Boolean);
  const round = shut ? 8 : ref || source ? b.h / 2 : 4;
  const rect = (x, y) => svg("rect", {x, y, width: b.w, height: b.h, rx: round});
  const g = svg("g", {class: classes.join(" "), "data-item": i, transform: `translate(${b.x} ${b.y})`},
    svg("title", {}, tip(i)), shut && rect(3, 3), rect(0, 0),
    it.category && !ref && svg("path", {class: "mark " + it.category, d: `M4 6v${b.h - 12}`}),
    svg("text", {class: "title", x: b.w / 2 - (shut ? 5 : 0), y: it.detail ? 16 : b.h / 2 + 4}, it.title),
    it.detail && svg("text", {class: "detail", x: b.w / 2, y: 31}, it.detail),
    shut && fold(b.w - 11, 11, false));
  const m = measures[heat];
  if (m && !ref && hottest > 0) {
    g.querySelector("rect:last-of-type").style.fill = `color-mix(in srgb, var(--hot) ${80 * totals[heat][i] / hottest}%, var(--paper))`;
  }
  return g;
}

function tip(i) {
  const it = items[i];
  if (isBox(i)) return it.path + ": " + it.detail;
  const n = nodes[it.node];
  return [n.op, n.attributes, n.outs.map(v => `%${v.id} ${v.type}`).join(" "), n.position].filter(Boolean).join("  ");
}

// light marks the selected item, its wires and what they lead to. Wires that are drawn as references become dashed
// lines.
function light() {
  const g = world.querySelector("#lit");
  if (!g) return;
  g.replaceChildren();
  for (const e of world.querySelectorAll(".chosen, .beside")) e.classList.remove("chosen", "beside");
  if (chosen < 0) return;
  const mark = (i, name) => world.querySelector(`[data-item="${i}"]`)?.classList.add(name);
  mark(chosen, "chosen");
  const wires = new Set(), near = new Set();
  const within = isBox(chosen) ? items.flatMap((_, i) => contains(chosen, i) ? [i] : []) : [chosen];
  for (const i of within) for (const k of wiresOf[i]) {
    const w = data.wires[k], ends = [w.from, ...w.to];
    if (ends.some(e => !contains(chosen, e))) {
      wires.add(k);
      for (const e of ends) if (!contains(chosen, e)) near.add(seen(e));
    }
  }
  for (const i of near) mark(i, "beside");
  g.append(svg("path", {class: "lit", d: drawing.lines.filter(l => wires.has(l.wire)).map(curve).join("")}));
  const it = items[chosen];
  if (it.node < 0) return;
  const centre = i => { const b = drawing.boxes[i]; return b && `${b.x + b.w / 2} ${b.y + b.h / 2}`; };
  const others = it.ref !== undefined ? [nodes[it.node].item] : refs.get(it.node) ?? [];
  const ends = new Set(others.map(seen).filter(i => i !== chosen));
  g.append(svg("path", {class: "far-off", d: [...ends].map(i => `M${centre(chosen)}L${centre(i)}`).join("")}));
  for (const i of ends) mark(i, "beside");
}

function contains(outer, i) {
  for (; i >= 0; i = items[i].parent) if (i === outer) return true;
  return false;
}

// seen is the item as which i is drawn: the outermost closed box around it.
function seen(i) {
  let at = i;
  for (let p = items[i].parent; p >= 0; p = items[p].parent) if (!open.has(p)) at = p;
  return at;
}

// ---- Moving about ----

function zoom(factor, x, y) {
  const r = canvas.getBoundingClientRect();
  x = x ?? r.width / 2;
  y = y ?? r.height / 2;
  const scale = Math.min(Math.max(eye.scale * factor, 0.02), 4);
  eye = {x: eye.x + x / eye.scale - x / scale, y: eye.y + y / eye.scale - y / scale, scale};
  look();
}

// fit shows everything; at first at a size that can be read, even if not everything is seen then.
function fit(legible) {
  const r = canvas.getBoundingClientRect();
  let scale = Math.min(r.width / drawing.w, r.height / drawing.h, 1.2) || 1;
  if (legible) scale = Math.max(scale, Math.min(0.9, r.width / drawing.w), 0.3);
  eye = {x: Math.min(0, (drawing.w - r.width / scale) / 2), y: Math.min(0, (drawing.h - r.height / scale) / 2), scale};
  if (legible && drawing.w * scale > r.width) eye.x = 0;
  look();
}

function reveal(i, centred) {
  let changed = false;
  for (let p = items[i].parent; p >= 0; p = items[p].parent) {
    changed ||= !open.has(p);
    open.add(p);
  }
  if (changed) rearrange(-1);
  const b = drawing.boxes[i], r = canvas.getBoundingClientRect();
  if (centred) eye.scale = Math.max(eye.scale, 0.8);
  const w = r.width / eye.scale, h = r.height / eye.scale;
  if (centred || b.x < eye.x || b.y < eye.y || b.x + b.w > eye.x + w || b.y + Math.min(b.h, h) > eye.y + h) {
    eye.x = b.x + b.w / 2 - w / 2;
    eye.y = b.y + Math.min(b.h, h) / 2 - h / 2;
  }
  look();
}

function toggle(i) {
  if (!isBox(i)) return;
  open.has(i) ? open.delete(i) : open.add(i);
  rearrange(i);
  stay();
  say(`${items[i].path} ${open.has(i) ? "opened" : "closed"}`);
}

function all(opened) {
  open.clear();
  if (opened) items.forEach((_, i) => { if (isBox(i)) open.add(i); });
  rearrange(-1);
  stay();
  fit(true);
}

// stay goes from a node that is hidden now to the scope that hides it, and says in the panel what is open now.
function stay() {
  if (chosen < 0) return;
  chosen = seen(chosen);
  panel.replaceChildren(...details(chosen));
  light();
  drawn = undefined;
  look();
}

// next is the item that an arrow key leads to: along a wire if there is one, otherwise the nearest in that direction.
function next(dx, dy) {
  const visible = drawing.boxes.flatMap((b, i) => b && !b.open ? [i] : []);
  if (chosen < 0 || !drawing.boxes[chosen]) return visible[0] ?? -1;
  const middle = i => { const b = drawing.boxes[i]; return [b.x + b.w / 2, b.y + (b.open ? 0 : b.h / 2)]; };
  const [x, y] = middle(chosen);
  const joined = new Set();
  if (dy !== 0) for (const w of data.wires) {
    const from = seen(w.from), to = w.to.map(seen);
    if (dy > 0 && from === chosen) to.forEach(i => joined.add(i));
    if (dy < 0 && to.includes(chosen)) joined.add(from);
  }
  let best = -1, least = Infinity;
  for (const i of visible) {
    if (i === chosen) continue;
    const [u, v] = middle(i), along = (u - x) * dx + (v - y) * dy, across = Math.abs((u - x) * dy) + Math.abs((v - y) * dx);
    if (along < 1) continue;
    const far = along + 3 * across + (joined.has(i) ? -1e7 : 0);
    if (far < least) [best, least] = [i, far];
  }
  return best;
}

// ---- Selecting ----

function select(i, centred) {
  chosen = i;
  panel.hidden = i < 0; // before the middle of the picture is asked for
  panel.replaceChildren(...(i < 0 ? [] : details(i)));
  panel.scrollTop = 0;
  if (i >= 0) reveal(i, centred);
  light();
  look();
  if (i >= 0) say(tip(i));
}

function say(text) { $("said").textContent = text; }

function link(text, i) { return html("button", {class: "link", onclick: () => { select(i, true); canvas.focus(); }}, text); }

function rows(...list) {
  const table = html("table", {});
  for (const [name, ...content] of list.filter(Boolean)) {
    if (content.some(c => c !== undefined && c !== "" && c !== null)) table.append(html("tr", {}, html("th", {scope: "row"}, name), html("td", {}, ...content)));
  }
  return table.rows.length ? table : undefined;
}

function section(title, content) { return content && [html("h3", {}, title), content]; }

function details(i) {
  const it = items[i];
  const head = html("header", {}, html("h2", {}, isBox(i) ? it.title : nodes[it.node].name ?? nodes[it.node].op),
    html("button", {"aria-label": "Close the details", title: "Close (Esc)", onclick: () => { select(-1); canvas.focus(); }}, "×"));
  return [head, ...(isBox(i) ? ofBox(i) : ofNode(it.node))].flat().filter(Boolean);
}

function share(key, i) {
  const m = measures[key], v = totals[key][i];
  return m.whole > 0 && v > 0 ? html("span", {class: "faint"}, ` ${number(100 * v / m.whole, 2)} % of all`) : "";
}

function amount(key, i) {
  const m = measures[key];
  return [totals[key][i] > 0 ? m.text(totals[key][i]) : "", totals[key][i] > 0 ? share(key, i) : ""];
}

function ofBox(i) {
  const it = items[i];
  const list = children[i].filter(c => items[c].ref === undefined);
  const key = heat || (measures.time.whole > 0 ? "time" : "macs"), most = Math.max(...list.map(c => totals[key][c]));
  const table = html("table", {});
  for (const c of list) {
    const v = totals[key][c], name = isBox(c) ? items[c].title : items[c].title + " %" + nodes[items[c].node].outs[0].id;
    const bar = most > 0 && html("span", {class: "bar", title: measures[key].text(v)});
    if (bar) bar.style.width = 100 * v / most + "%";
    table.append(html("tr", {}, html("td", {}, link(name, c)), html("td", {}, bar || "")));
  }
  return [html("p", {}, html("span", {class: "chip " + it.kind}, it.kind), " ", html("span", {class: "faint"}, it.path)),
    html("p", {}, html("button", {onclick: () => { toggle(i); select(i); }}, open.has(i) ? "Close this scope" : "Open this scope")),
    rows(["nodes", count(inside[i])], ["parameters", ...amount("params", i)], ["multiply-adds", ...amount("macs", i)],
      ["results", ...amount("bytes", i)], ["time", ...amount("time", i)], ["memory", ...amount("memory", i)]),
    ...section(most > 0 ? "What is in it, by " + measures[key].name : "What is in it", table)];
}

function ofNode(k) {
  const n = nodes[k], i = n.item, it = items[i];
  const to = j => link(nodeName(j), nodes[j].item);
  const lines = list => list.flatMap((e, j) => j ? [html("br"), e] : [e]);
  const ins = html("table", {}), outs = html("table", {});
  n.ins.forEach((v, j) => ins.append(html("tr", {}, html("th", {}, n.operands?.[j] ?? ""), html("td", {}, to(maker.get(v))), html("td", {class: "faint"}, typeOf(v)))));
  for (const v of n.outs) {
    const list = readers.get(v.id) ?? [], some = list.slice(0, 12).map(to);
    if (list.length > 12) some.push(html("span", {class: "faint"}, `and ${list.length - 12} more`));
    outs.append(html("tr", {}, html("th", {}, "%" + v.id), html("td", {}, v.type), html("td", {}, ...lines(some))));
  }
  const gradient = derived.get(k) ?? [];
  const forward = n.origin >= 0 ? n.origin : undefined;
  const path = it.path.split("/").slice(0, -1).join("/");
  return [html("p", {}, html("span", {class: "chip " + it.kind}, it.kind), " ", html("span", {class: "faint"}, path)),
    rows(["op", n.op], ["attributes", n.attributes], ["starts as", n.init], ["scope", n.scope && it.parent >= 0 ? link(n.scope, it.parent) : n.scope],
      ["line", n.position], ["renews", n.renews]),
    ...section("Inputs", n.ins.length > 0 && ins) || [], ...section("Results and who reads them", outs),
    ...section(`Cost at batch size ${data.batch}`, rows(["parameters", ...amount("params", i)], ["multiply-adds", ...amount("macs", i)],
      ["operations", n.flops ? count(n.flops) : ""], ["results", ...amount("bytes", i)], ["algorithm", n.algorithm])) || [],
    ...section(`Measured at batch size ${data.batch}, mean of ${data.runs} runs`, n.measured && rows(["time", time(n.measured.nanoseconds), share("time", i)],
      ["rate", n.macs && n.measured.nanoseconds ? `${number((n.measured.flops || 2 * n.macs) / n.measured.nanoseconds)} GFLOP/s` : ""], ["memory", bytes(n.measured.bytes)])) || [],
    ...section("Gradient of", forward !== undefined && to(forward)) || [],
    ...section("Its gradient", gradient.length > 0 && html("p", {}, ...lines(gradient.map(to)))) || [],
    ...(n.pictures ?? []).map(p => p.kind === "histogram" ? histogram(p) : picture(p))];
}

function histogram(p) {
  const most = Math.max(...p.counts ?? [1]);
  const bars = (p.counts ?? []).map((c, k) => svg("rect", {x: k * 10 + 0.5, width: 9, y: 100 - 100 * c / most, height: 100 * c / most}));
  const faulty = p.faulty ? `, ${count(p.faulty)} not finite` : "", zeros = p.zeros > 0 ? `, ${number(100 * p.zeros, 3)} % zero` : "";
  return html("figure", {}, svg("svg", {viewBox: `0 0 ${10 * bars.length} 100`, preserveAspectRatio: "none", role: "img", "aria-label": p.title}, ...bars),
    html("div", {class: "ends"}, html("span", {}, number(p.min)), html("span", {}, number(p.max))),
    html("figcaption", {}, `${p.title}: mean ${number(p.mean)}, deviation ${number(p.std)}${zeros}${faulty}`));
}

function picture(p) {
  const img = html("img", {src: "data:image/png;base64," + p.data, alt: p.title});
  img.style.width = p.w * Math.max(1, Math.min(Math.round(56 / p.tile), Math.floor(340 / p.w))) + "px";
  return html("figure", {}, img, html("figcaption", {}, p.title));
}

// ---- Searching ----

const names = items.map((it, i) => it.ref !== undefined ? "" : isBox(i) ? it.path.toLowerCase() :
  [it.path, nodes[it.node].op, nodes[it.node].name ?? "", ...nodes[it.node].outs.map(v => "%" + v.id)].join(" ").toLowerCase());
let hits = [], at = -1;

function find() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  // A number alone is that of one value: %1 does not mean %12.
  const matches = name => words.every(w => /^%\d+$/.test(w) ? name.split(" ").includes(w) : name.includes(w));
  const list = words.length ? items.flatMap((it, i) => names[i] && matches(names[i]) ? [i] : []) : [];
  const exact = i => names[i].split(" ")[0].endsWith(words.join(" ")) ? 0 : 1;
  list.sort((a, b) => exact(a) - exact(b) || a - b);
  hits = list.slice(0, 100);
  at = hits.length ? 0 : -1;
  found.replaceChildren(...hits.map((i, k) => html("li", {role: "option", id: "hit" + k, onmousedown: e => { e.preventDefault(); take(k); }},
    html("span", {}, items[i].path), html("small", {}, isBox(i) ? items[i].detail : nodes[items[i].node].op + " %" + nodes[items[i].node].outs[0].id))));
  if (list.length > hits.length) found.append(html("li", {class: "faint"}, `and ${list.length - hits.length} more`));
  if (words.length && !hits.length) found.append(html("li", {class: "faint"}, "nothing of that name"));
  found.hidden = !words.length;
  search.setAttribute("aria-expanded", String(!found.hidden));
  point();
}

function point() {
  [...found.children].forEach((e, k) => { if (e.role === "option") e.setAttribute("aria-selected", String(k === at)); });
  found.children[at]?.scrollIntoView({block: "nearest"});
  at >= 0 ? search.setAttribute("aria-activedescendant", "hit" + at) : search.removeAttribute("aria-activedescendant");
}

function take(k) {
  if (k < 0) return;
  const i = hits[k];
  leave();
  select(i, true);
  canvas.focus();
}

function leave() {
  found.hidden = true;
  search.setAttribute("aria-expanded", "false");
}

search.addEventListener("input", find);
search.addEventListener("focus", find);
search.addEventListener("blur", leave);
search.addEventListener("keydown", e => {
  const step = {ArrowDown: 1, ArrowUp: -1}[e.key];
  if (step && hits.length) at = (at + step + hits.length) % hits.length;
  else if (e.key === "Enter") take(at);
  else if (e.key === "Escape") { leave(); canvas.focus(); }
  else return;
  e.preventDefault();
  point();
});

// ---- Mouse, touch and keys ----

const pointers = new Map();
let moved = 0;
canvas.addEventListener("pointerdown", e => {
  canvas.setPointerCapture(e.pointerId);
  pointers.set(e.pointerId, e);
  if (pointers.size === 1) moved = 0;
});
canvas.addEventListener("pointermove", e => {
  const before = pointers.get(e.pointerId);
  if (!before) return;
  const r = canvas.getBoundingClientRect();
  if (pointers.size === 2) { // two fingers: the distance between them is the scale
    const other = [...pointers.values()].find(p => p.pointerId !== e.pointerId);
    const apart = p => Math.hypot(p.clientX - other.clientX, p.clientY - other.clientY);
    zoom(apart(e) / apart(before), (e.clientX + other.clientX) / 2 - r.left, (e.clientY + other.clientY) / 2 - r.top);
  }
  const dx = (e.clientX - before.clientX) / pointers.size, dy = (e.clientY - before.clientY) / pointers.size;
  pointers.set(e.pointerId, e);
  moved += Math.abs(dx) + Math.abs(dy);
  if (moved < 4) return;
  canvas.classList.add("moving");
  eye.x -= dx / eye.scale;
  eye.y -= dy / eye.scale;
  look();
});
for (const type of ["pointerup", "pointercancel"]) canvas.addEventListener(type, e => {
  pointers.delete(e.pointerId);
  canvas.classList.remove("moving");
});
// The capture makes the canvas the target of clicks; what lies under the pointer is asked for.
const under = e => document.elementFromPoint(e.clientX, e.clientY)?.closest("#canvas [data-item]");
canvas.addEventListener("click", e => {
  if (moved >= 4) return;
  const hit = document.elementFromPoint(e.clientX, e.clientY), g = under(e);
  if (!g) return select(-1);
  const i = Number(g.dataset.item);
  hit.closest(".fold") ? toggle(i) : select(i);
});
canvas.addEventListener("dblclick", e => {
  const g = under(e);
  if (g) follow(Number(g.dataset.item));
});
canvas.addEventListener("wheel", e => {
  e.preventDefault();
  const r = canvas.getBoundingClientRect();
  zoom(Math.exp(-e.deltaY * (e.deltaMode === 1 ? 0.05 : e.ctrlKey ? 0.01 : 0.0015)), e.clientX - r.left, e.clientY - r.top);
}, {passive: false});

// follow opens or closes a scope, goes to what a reference stands for, and to the details of any other node.
function follow(i) {
  if (isBox(i)) toggle(i);
  else if (items[i].ref !== undefined) select(nodes[items[i].node].item, true);
  else panel.focus();
}

const arrows = {ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0]};
canvas.addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const arrow = arrows[e.key];
  if (arrow && e.shiftKey) {
    eye.x += 80 * arrow[0] / eye.scale;
    eye.y += 80 * arrow[1] / eye.scale;
    look();
  } else if (arrow) {
    const i = next(...arrow);
    if (i >= 0) select(i);
  } else if (e.key === "Enter" || e.key === " ") {
    if (chosen >= 0) follow(chosen);
  } else if (e.key === "Backspace") {
    const p = chosen < 0 ? -1 : open.has(chosen) ? chosen : items[chosen].parent;
    if (p < 0) return;
    toggle(p);
    select(p);
  } else return;
  e.preventDefault();
});
const keys = {
  "/": () => { search.focus(); search.select(); }, "?": () => $("keys").showModal(),
  "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), "0": () => fit(false),
  e: () => all(true), c: () => all(false), Escape: () => { select(-1); canvas.focus(); },
};
addEventListener("keydown", e => {
  if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || $("keys").open || e.target.matches("input, select") || !keys[e.key]) return;
  e.preventDefault();
  keys[e.key]();
});
for (const [id, act] of Object.entries({expand: () => all(true), collapse: () => all(false), smaller: () => zoom(0.8), larger: () => zoom(1.25),
  fit: () => fit(false), help: () => $("keys").showModal()})) $(id).addEventListener("click", act);

// ---- Begin ----

$("counts").textContent = `${count(nodes.length)} nodes` + (measures.params.whole ? `, ${count(measures.params.whole)} parameters` : "") +
  (measures.macs.whole ? `, ${count(measures.macs.whole)} multiply-adds at batch size ${data.batch}` : "");
$("heat").append(html("option", {value: ""}, "kind"), ...Object.entries(measures).filter(([, m]) => m.whole > 0).map(([k, m]) => html("option", {value: k}, m.name)));
$("heat").addEventListener("change", e => { heat = e.target.value; recolour(); });
for (const kind of new Set(items.map(it => it.kind))) {
  $("legend").append(html("li", {}, svg("svg", {class: "item " + kind}, svg("rect", {x: 1, y: 1, width: 14, height: 10, rx: ["forward", "gradient", "update"].includes(kind) ? 2 : 5})), kind));
}
if (items.some(it => it.ref !== undefined)) {
  $("legend").append(html("li", {}, svg("svg", {class: "ref forward"}, svg("rect", {x: 1, y: 1, width: 14, height: 10, rx: 5})), "reference"));
}
$("legend").append(html("li", {id: "scale", hidden: true}, "0", html("span", {class: "ramp"}), html("span", {id: "most"})));
new ResizeObserver(() => { drawn = undefined; look(); }).observe(canvas);
rearrange(-1);
fit(true);
