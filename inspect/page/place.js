// Places: the counterpart of Place in the Go package neocog/graph/layout, which a test compares it with. Ranks and
// orders come with the page; what depends on which boxes are open is computed here.
"use strict";

// place returns where everything lies if the boxes for which open(item) is true are open:
// {w, h, boxes: [{x, y, w, h, open}], lines: [{wire, x0, y0, a, b, x1, y1, up, arrow, label}]}.
function place(data, open) {
  const {Gap, Beside, Wires, Margin, Title, Text, EndGap, Row} = data.distances;
  const CHILD = 0, IN = 1, OUT = 2, BEND = 3;
  const insides = [];
  const isOpen = item => data.levels[1 + item] !== null && open(item);

  // size places the items of a level, after those of the open boxes in it.
  function size(level) {
    const v = data.levels[level], n = v.items.length;
    const inside = {x: [], half: new Array(n).fill(0), w: new Array(n).fill(0), h: new Array(n).fill(0), ins: [], outs: [], top: [], height: []};
    insides[level] = inside;
    v.items.forEach((it, i) => measure(inside, it, i));
    let y = 0;
    if (level === 0) y = Margin;
    else if (v.items[v.ranks[0][0]].kind !== IN) y = Title + Margin / 2;
    v.ranks.forEach((rank, r) => {
      const h = Math.max(0, ...rank.map(i => inside.h[i]));
      inside.top.push(y);
      inside.height.push(h);
      y += h + (r < v.ranks.length - 1 ? Gap : 0);
    });
    if (level === 0 || v.items[v.ranks.at(-1)[0]].kind !== OUT) y += Margin;
    inside.x = align(v, inside);
    let lo = Infinity, hi = -Infinity;
    for (let i = 0; i < n; i++) {
      lo = Math.min(lo, inside.x[i] - inside.half[i]);
      hi = Math.max(hi, inside.x[i] + inside.half[i]);
    }
    inside.width = hi - lo + 2 * Margin;
    inside.depth = y;
    let shift = Margin - lo;
    if (level > 0) {
      const wider = data.items[level - 1].w - inside.width;
      if (wider > 0) {
        inside.width += wider;
        shift += wider / 2;
      }
    }
    inside.ports = [new Map(), new Map()];
    v.items.forEach((it, i) => {
      inside.x[i] += shift;
      if (it.kind === IN) inside.ports[0].set(it.of, inside.x[i] - inside.width / 2);
      if (it.kind === OUT) inside.ports[1].set(it.of, inside.x[i] - inside.width / 2);
    });
  }

  // measure says how large an item is, and where its ends are. An end is twice its wire, and one more if it leads up.
  function measure(inside, it, i) {
    inside.ins[i] = it.ins.map(() => 0);
    inside.outs[i] = it.outs.map(() => 0);
    if (it.kind !== CHILD) return;
    const label = e => data.wires[e >> 1].width;
    const step = EndGap + Math.max(0, ...it.outs.slice(0, -1).map(label));
    let ports = [new Map(), new Map()];
    inside.w[i] = data.items[it.of].w;
    inside.h[i] = data.items[it.of].h;
    const opened = isOpen(it.of);
    if (opened) {
      size(1 + it.of);
      const of = insides[1 + it.of];
      [inside.w[i], inside.h[i], ports] = [of.width, of.depth, of.ports];
    } else {
      inside.w[i] = Math.max(inside.w[i], step * it.outs.length);
    }
    inside.half[i] = inside.w[i] / 2;
    const ends = (list, mid, step, ports) => list.map((e, k) => {
      const port = e & 1 ? undefined : ports.get(e >> 1);
      return port ?? (k - mid) * step;
    });
    const most = Math.max(it.mid, it.ins.length - 1 - it.mid);
    inside.ins[i] = ends(it.ins, it.mid, Math.min(EndGap, inside.half[i] / (most + 1)), ports[0]);
    inside.outs[i] = ends(it.outs, (it.outs.length - 1) / 2, step, ports[1]);
    if (!opened) it.outs.forEach((e, k) => {
      inside.half[i] = Math.max(inside.half[i], inside.outs[i][k] + Text + label(e));
    });
  }

  // align finds the x of the items of a level by the method of Brandes and Köpf; see align.go.
  function align(v, inside) {
    const n = v.items.length, pos = new Array(n);
    v.ranks.forEach(rank => rank.forEach((i, k) => pos[i] = k));
    const above = Array.from({length: n}, () => []), below = Array.from({length: n}, () => []);
    for (const s of v.segs) {
      if (s.loose) continue;
      const d = inside.outs[s.from][v.items[s.from].outs.indexOf(s.end)] - inside.ins[s.to][v.items[s.to].ins.indexOf(s.end)];
      above[s.to].push({item: s.from, shift: d});
      below[s.from].push({item: s.to, shift: -d});
    }
    for (const list of [...above, ...below]) list.sort((a, b) => pos[a.item] - pos[b.item]);
    const conflict = conflicts(v, pos, above);
    const all = [0, 1, 2, 3].map(k => lean(v, inside, pos, (k & 2 ? below : above), conflict, (k & 1) === 1, (k & 2) === 2));
    return middle(inside.half, all);
  }

  function middle(half, all) {
    const lo = all.map(x => x.reduce((m, at, i) => Math.min(m, at - half[i]), Infinity));
    const hi = all.map(x => x.reduce((m, at, i) => Math.max(m, at + half[i]), -Infinity));
    let narrow = 0;
    for (let k = 1; k < 4; k++) if (hi[k] - lo[k] < hi[narrow] - lo[narrow]) narrow = k;
    return half.map((_, i) => {
      const x = all.map((at, k) => k & 1 ? at[i] + hi[narrow] - hi[k] : at[i] + lo[narrow] - lo[k]).sort((a, b) => a - b);
      return (x[1] + x[2]) / 2;
    });
  }

  function conflicts(v, pos, above) {
    const marked = new Set(), n = v.items.length;
    const bend = i => v.items[i].kind === BEND;
    for (let r = 1; r < v.ranks.length; r++) {
      const rank = v.ranks[r];
      let left = 0, from = 0;
      rank.forEach((i, k) => {
        let right = v.ranks[r - 1].length;
        const inner = bend(i) && bend(above[i][0].item);
        if (inner) right = pos[above[i][0].item];
        if (!inner && k < rank.length - 1) return;
        for (; from <= k; from++) for (const j of above[rank[from]]) {
          const p = pos[j.item];
          if ((p < left || p > right) && !(bend(j.item) && bend(rank[from]))) marked.add(j.item * n + rank[from]);
        }
        left = right;
      });
    }
    return marked;
  }

  function lean(v, inside, pos, beside, conflict, right, up) {
    const n = v.items.length;
    const root = Array.from({length: n}, (_, i) => i), shift = new Array(n).fill(0);
    const next = new Array(n).fill(false), tail = new Array(n).fill(false);
    for (const rank of up ? v.ranks.toReversed() : v.ranks) {
      let limit = right ? Infinity : -1;
      for (let k = 0; k < rank.length; k++) {
        const i = rank[right ? rank.length - 1 - k : k], near = beside[i];
        if (near.length === 0) continue;
        const middle = [(near.length - 1) >> 1, near.length >> 1];
        for (const m of right ? middle.reverse() : middle) {
          const j = near[m], p = pos[j.item];
          const key = up ? i * n + j.item : j.item * n + i;
          if (tail[i] || next[j.item] || conflict.has(key) || (right ? p >= limit : p <= limit)) continue;
          root[i] = root[j.item];
          shift[i] = shift[j.item] + j.shift;
          tail[i] = next[j.item] = true;
          limit = p;
        }
      }
    }
    return compact(v, inside, root, shift, right).map((x, i) => x + shift[i]);
  }

  function compact(v, inside, root, shift, right) {
    const n = root.length, out = Array.from({length: n}, () => []), waits = new Array(n).fill(0);
    for (const rank of v.ranks) for (let k = 1; k < rank.length; k++) {
      const i = rank[k - 1], j = rank[k];
      const gap = v.items[i].kind !== CHILD || v.items[j].kind !== CHILD ? Wires : Beside;
      const dist = inside.half[i] + gap + inside.half[j] + shift[i] - shift[j];
      const [from, to] = right ? [root[j], root[i]] : [root[i], root[j]];
      out[from].push({to, dist});
      waits[to]++;
    }
    const order = [], at = new Array(n).fill(0);
    for (let i = 0; i < n; i++) if (root[i] === i && waits[i] === 0) order.push(i);
    for (let k = 0; k < order.length; k++) for (const e of out[order[k]]) {
      at[e.to] = Math.max(at[e.to], at[order[k]] + e.dist);
      if (--waits[e.to] === 0) order.push(e.to);
    }
    for (const i of order.reverse()) {
      let most = Infinity;
      for (const e of out[i]) most = Math.min(most, at[e.to] - e.dist);
      if (most !== Infinity) at[i] = Math.max(at[i], most);
    }
    return root.map(r => right ? -at[r] : at[r]);
  }

  // draw writes down the places of a level whose upper left corner is (x, y).
  function draw(result, level, x, y) {
    const v = data.levels[level], inside = insides[level];
    const top = i => {
      const it = v.items[i], t = inside.top[it.rank], h = inside.height[it.rank];
      if (it.kind === CHILD && it.ins.length === 0 && it.outs.length > 0 && h > Row) {
        return t + h - Math.max(Row + inside.h[i], 2 * inside.h[i]) / 2;
      }
      return t + Math.max(0, Math.min(h, Row) - inside.h[i]) / 2;
    };
    v.items.forEach((it, i) => {
      if (it.kind !== CHILD) return;
      result.boxes[it.of] = {x: x + inside.x[i] - inside.w[i] / 2, y: y + top(i), w: inside.w[i], h: inside.h[i], open: isOpen(it.of)};
    });
    for (const s of v.segs) {
      const a = v.items[s.from], b = v.items[s.to], up = (s.end & 1) === 1;
      const [first, last] = up ? [b, a] : [a, b];
      const shut = it => it.kind === CHILD && !isOpen(it.of);
      result.lines.push({
        wire: s.end >> 1, up, arrow: shut(last), label: shut(first) && !up,
        x0: x + inside.x[s.from] + inside.outs[s.from][a.outs.indexOf(s.end)], y0: y + top(s.from) + inside.h[s.from],
        a: y + inside.top[a.rank] + inside.height[a.rank],
        x1: x + inside.x[s.to] + inside.ins[s.to][b.ins.indexOf(s.end)], y1: y + top(s.to),
        b: y + inside.top[b.rank],
      });
    }
    for (const it of v.items) {
      if (it.kind === CHILD && isOpen(it.of)) draw(result, 1 + it.of, result.boxes[it.of].x, result.boxes[it.of].y);
    }
  }

  if (data.items.length === 0) return {w: 2 * Margin, h: 2 * Margin, boxes: [], lines: []};
  size(0);
  const result = {w: insides[0].width, h: insides[0].depth, boxes: new Array(data.items.length), lines: []};
  draw(result, 0, 0, 0);
  return result;
}
