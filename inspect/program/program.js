"use strict";
// By number: the lines, rows and rectangles that have to do with it. Made when it is first asked for.
let belongs = null;
let lit = [];

function index() {
  if (belongs) return;
  belongs = new Map();
  for (const e of document.querySelectorAll("[data-n]"))
    for (const n of e.dataset.n.split(" ")) {
      if (!belongs.has(n)) belongs.set(n, []);
      belongs.get(n).push(e);
    }
}

function release() {
  for (const e of lit) e.classList.remove("lit");
  lit = [];
}

// show lights up all that has to do with element e, and brings the first of it into sight in every column but e's own.
function show(e) {
  index();
  release();
  const all = new Set();
  for (const n of e.dataset.n.split(" ")) for (const other of belongs.get(n)) all.add(other);
  lit = [...all];
  const seen = new Set([e.closest("pre, #scroller")]);
  for (const other of document.querySelectorAll("[data-n]")) {
    if (!all.has(other)) continue;
    other.classList.add("lit");
    const box = other.closest("pre, #scroller");
    if (!box || seen.has(box)) continue;
    seen.add(box);
    const at = other.getBoundingClientRect(), frame = box.getBoundingClientRect();
    if (at.top < frame.top + 24 || at.bottom > frame.bottom) box.scrollTop += at.top - frame.top - frame.height / 3;
  }
  const text = e.querySelector("title, code") || e;
  document.getElementById("said").textContent = text.textContent.trim().replace(/\s+/g, " ").slice(0, 160);
}

document.addEventListener("click", event => {
  const e = event.target.closest("[data-n]");
  if (e && !String(getSelection())) show(e);
});
document.addEventListener("keydown", event => {
  if (event.key === "Escape") release();
});
const hovered = document.getElementById("hovered");
document.getElementById("arena").addEventListener("mousemove", event => {
  const title = event.target.querySelector("title");
  if (title) hovered.textContent = title.textContent.replace(/\n/g, " · ");
});
