"use strict";
function main() {
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const svg = document.querySelector("#stage svg"), root = svg.querySelector("g.graph");
const [GAP, LONGEST, SIGN] = [26, 100, "⚠ "];

// -- elements; texts are never read as markup --------------------------------------------------

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

function drawn(tag, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  return made;
}

function button(text, action) {
  const made = element("button", {}, text);
  made.addEventListener("click", action);
  return made;
}

// -- the picture as the renderer has drawn it ---------------------------------------------------

const titleOf = (group) => group.querySelector("title").textContent;
const numbersIn = (text) => text.match(/-?[\d.]+/g).map(Number);

function shape(each) {
  const name = each.tagName === "path" ? "d" : "points";
  return { each, name, before: each.getAttribute(name) };
}

function rectangle(box) {
  return [[box.x, box.x + box.width], [box.y, box.y + box.height]];
}

// The extent of a text far smaller than a pixel is wrong
function measured() {
  const { clientWidth: width, clientHeight: height } = byId("stage");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  return rectangle(root.getBBox());
}

for (const each of root.querySelectorAll(":scope > polygon, :scope > text")) each.remove();
measured();
const nodes = new Map(), clusters = new Map(), edges = [];
for (const group of root.querySelectorAll("g.node")) {
  const number = titleOf(group).slice(1), about = data.boxes[number];
  nodes.set(number, { group, number, about, box: rectangle(group.getBBox()), texts: [...group.querySelectorAll("text")] });
}
for (const group of root.querySelectorAll("g.cluster")) {
  const name = titleOf(group), about = data.clusters[name] || { title: "", mode: "", summary: "" };
  const outline = group.querySelector("path, polygon"), texts = [...group.querySelectorAll("text")];
  const title = texts.length ? rectangle(texts[0].getBBox()) : [[0, 0], [0, 0]];
  clusters.set(name, { group, name, about, outline: shape(outline), title, texts, box: rectangle(outline.getBBox()) });
}
for (const group of root.querySelectorAll("g.edge")) {
  const [source, target] = titleOf(group).split(/->|--/).map((end) => end.slice(1).split(":")[0]);
  const texts = [...group.querySelectorAll("text")].map((each) => ({ each, box: rectangle(each.getBBox()) }));
  const path = group.querySelector("path");
  edges.push({ group, source, target, texts, path, shapes: [...group.querySelectorAll("path, polygon")].map(shape) });
}
const order = [...nodes.values()].sort((a, b) => a.number - b.number);
for (const { group, about, number } of order) {
  group.setAttribute("tabindex", "-1");
  group.setAttribute("role", "button");
  group.setAttribute("aria-label", `${about.title}, ${about.lines.map(([text]) => text).join(", ")}`);
  group.querySelector("title").textContent = about.title;
  group.addEventListener("click", () => select(number, true));
  group.addEventListener("mouseenter", () => pinned === null && describe(number));
  group.addEventListener("focus", () => selected !== number && select(number, false));
}
for (const { group, name, about } of clusters.values()) {
  group.querySelector("title").textContent = `${about.title}: click to fold`;
  group.addEventListener("click", () => fold(name, true));
}

// -- folding -----------------------------------------------------------------------------------

const folded = new Set(), stands = drawn("g");
root.append(stands);

function around(name) {
  const parts = name.split("_"), found = [];
  for (let i = 2; i <= parts.length; i++) found.push(parts.slice(0, i).join("_"));
  return found;
}

const holderOf = (name) => around(name).find((each) => folded.has(each)) || null;
const shownAs = (number) => holderOf(nodes.get(number).about.cluster) || number;

function compact(cluster) {
  const inside = order.find(({ about }) => about.operation && around(about.cluster).includes(cluster.name));
  const [[left, right], [top, bottom]] = cluster.box;
  const texts = [[cluster.about.title, "bold"], [cluster.about.mode, "normal"], [cluster.about.summary, "normal"]];
  const shown = texts.filter(([text]) => text).map(([text, weight]) => [short(text), weight]);
  const width = Math.max(...shown.map(([text]) => text.length)) * 5.9 + 18, height = 14 * shown.length + 10;
  const column = inside ? (inside.box[0][0] + inside.box[0][1]) / 2 : (left + right) / 2;
  const middle = [column, (top + bottom) / 2];
  return { shown, box: [[middle[0] - width / 2, middle[0] + width / 2], [middle[1] - height / 2, middle[1] + height / 2]] };
}

// Gaps along an axis that folding has left empty shrink; everything else only moves
function squeezed(kept, emptied) {
  const sorted = kept.slice().sort((a, b) => a[0] - b[0]), cuts = [];
  let end = sorted.length ? sorted[0][1] : 0;
  for (const [low, high] of sorted) {
    const empty = emptied.some(([from, to]) => from < low && to > end);
    if (low - end > GAP && empty) cuts.push([end, low]);
    end = Math.max(end, high);
  }
  return (value) => {
    let moved = value;
    for (const [low, high] of cuts) {
      if (value >= high) moved -= high - low - GAP;
      else if (value > low) moved -= (value - low) * (1 - GAP / (high - low));
    }
    return moved;
  };
}

function moveShape({ each, name, before }, maps) {
  let axis = 1;
  each.setAttribute(name, before.replace(/-?[\d.]+/g, (text) => maps[(axis = 1 - axis)](Number(text)).toFixed(1)));
}

function moveRigid(each, box, maps) {
  const [dx, dy] = [0, 1].map((axis) => maps[axis]((box[axis][0] + box[axis][1]) / 2) - (box[axis][0] + box[axis][1]) / 2);
  if (dx || dy) each.setAttribute("transform", `translate(${dx.toFixed(1)} ${dy.toFixed(1)})`);
  else each.removeAttribute("transform");
}

const hide = (each, hidden) => each.setAttribute("display", hidden ? "none" : "inline");

let standing = new Map(), size = measured();

function layout() {
  standing = new Map();
  for (const name of folded) if (holderOf(name) === name) standing.set(name, compact(clusters.get(name)));
  const visible = order.filter(({ about }) => !holderOf(about.cluster));
  const open = [...clusters.values()].filter(({ name }) => !holderOf(name));
  const shownEdges = edges.filter((edge) => ends(edge).every((end) => nodes.has(end)));
  const maps = [0, 1].map((axis) => {
    const kept = [...visible.map(({ box }) => box[axis]), ...[...standing.values()].map(({ box }) => box[axis])];
    for (const { box, title } of open) {
      kept.push(title[axis], [box[axis][0], box[axis][0] + 4], [box[axis][1] - 4, box[axis][1]]);
    }
    for (const { texts } of shownEdges) kept.push(...texts.map(({ box }) => box[axis]));
    return squeezed(kept, [...standing.keys()].map((name) => clusters.get(name).box[axis]));
  });
  for (const node of order) {
    hide(node.group, holderOf(node.about.cluster));
    moveRigid(node.group, node.box, maps);
  }
  for (const cluster of clusters.values()) {
    hide(cluster.group, holderOf(cluster.name));
    moveShape(cluster.outline, maps);
    for (const text of cluster.texts) moveRigid(text, cluster.title, maps);
  }
  stands.replaceChildren();
  const joined = new Set();
  for (const edge of edges) {
    const [a, b] = ends(edge), whole = nodes.has(a) && nodes.has(b), key = `${a} ${b} ${edge.path.getAttribute("stroke-dasharray")}`;
    hide(edge.group, !whole);
    if (whole) {
      edge.shapes.forEach((each) => moveShape(each, maps));
      edge.texts.forEach(({ each, box }) => moveRigid(each, box, maps));
    } else if (a !== b && !joined.has(key)) {
      joined.add(key);
      stands.append(line(edge, [a, b], maps));
    }
  }
  for (const [name, stand] of standing) stands.append(standIn(name, stand, maps));
  size = measured();
}

function ends(edge) {
  return [edge.source, edge.target].map(shownAs);
}

function placed(end, maps) {
  const { box } = standing.get(end) || nodes.get(end);
  return [0, 1].map((axis) => {
    const middle = (box[axis][0] + box[axis][1]) / 2, half = (box[axis][1] - box[axis][0]) / 2;
    return [maps[axis](middle), half];
  });
}

// Points of a drawn curve, ten for each of its parts
function pointsOf(path) {
  const numbers = numbersIn(path.getAttribute("d")), corners = [];
  for (let i = 0; i < numbers.length; i += 2) corners.push(numbers.slice(i, i + 2));
  const points = [corners[0]];
  for (let i = 0; i + 3 < corners.length; i += 3) {
    const [a, b, c, d] = corners.slice(i, i + 4);
    for (let t = 0.1; t < 1.05; t += 0.1) {
      const s = 1 - t, weights = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
      points.push([0, 1].map((axis) => weights[0] * a[axis] + weights[1] * b[axis] + weights[2] * c[axis] + weights[3] * d[axis]));
    }
  }
  return points;
}

// Where the way from the middle of a box to a point outside leaves it
function border(box, point) {
  const way = [0, 1].map((axis) => point[axis] - box[axis][0]);
  const part = Math.min(1, ...[0, 1].map((axis) => (way[axis] ? box[axis][1] / Math.abs(way[axis]) : 1)));
  return [0, 1].map((axis) => box[axis][0] + way[axis] * part);
}

// An edge from or to a folded module: as it was drawn, as far as that is outside of the module
function line(edge, names, maps) {
  const outside = names.map((name) => (point) => {
    const box = standing.has(name) && clusters.get(name).box;
    return !box || point.some((value, axis) => value < box[axis][0] || value > box[axis][1]);
  });
  const drawnOnes = pointsOf(edge.path), boxes = names.map((name) => placed(name, maps));
  const [first, last] = [drawnOnes.findIndex(outside[0]), drawnOnes.findLastIndex(outside[1])];
  const between = first < 0 ? [] : drawnOnes.slice(first, last + 1);
  const points = between.map((point) => point.map((value, axis) => maps[axis](value)));
  const middles = boxes.map((box) => box.map(([middle]) => middle));
  if (standing.has(names[0]) || !points.length) points.unshift(border(boxes[0], points[0] || middles[1]));
  if (standing.has(names[1]) || points.length < 2) points.push(border(boxes[1], points.at(-1)));
  const tip = points.pop(), way = [0, 1].map((axis) => tip[axis] - points.at(-1)[axis]);
  const length = Math.hypot(...way) || 1, [ux, uy] = way.map((each) => each / length);
  const back = [tip[0] - 7 * ux, tip[1] - 7 * uy];
  const made = drawn("g", { class: "edge" }), look = { stroke: edge.path.getAttribute("stroke") };
  for (const name of ["stroke-dasharray", "stroke-width"]) {
    if (edge.path.hasAttribute(name)) look[name] = edge.path.getAttribute(name);
  }
  const shown = [...points, back].map((point) => point.map((value) => value.toFixed(1)));
  made.append(drawn("path", { d: `M${shown.join("L")}`, fill: "none", ...look }));
  const head = [tip, [back[0] - 2.5 * uy, back[1] + 2.5 * ux], [back[0] + 2.5 * uy, back[1] - 2.5 * ux]];
  made.append(drawn("polygon", { points: head.join(" "), stroke: look.stroke, fill: look.stroke }));
  return made;
}

function standIn(name, { shown, box }, maps) {
  const { about, outline } = clusters.get(name);
  const made = drawn("g", { class: "folded", tabindex: "0", role: "button", "aria-expanded": "false", "data-name": name });
  made.setAttribute("aria-label", `${about.title}, folded: ${about.summary}`);
  const [x, y] = [0, 1].map((axis) => maps[axis]((box[axis][0] + box[axis][1]) / 2));
  const [width, height] = box.map(([low, high]) => high - low);
  const colours = { fill: outline.each.getAttribute("fill"), stroke: outline.each.getAttribute("stroke") };
  made.append(drawn("title", {}, `${about.title}: click to unfold`));
  made.append(drawn("rect", { x: x - width / 2, y: y - height / 2, width, height, rx: 6, "stroke-width": 2, ...colours }));
  shown.forEach(([text, weight], i) => made.append(
    drawn("text", { x, y: y - height / 2 + 16 + 14 * i, "text-anchor": "middle", "font-weight": weight }, text)));
  made.addEventListener("click", () => fold(name, false));
  made.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); fold(name, false); }
  });
  return made;
}

function fold(name, closed) {
  if (closed) folded.add(name); else folded.delete(name);
  changed();
  const stand = stands.querySelector(`[data-name="${name}"]`);
  if (stand && closed) stand.focus({ preventScroll: true });
  if (selected !== null) describe(selected);
}

function foldAll() {
  for (const name of clusters.keys()) folded.add(name);
  changed();
  start();
}

function unfoldAll() {
  folded.clear();
  changed();
  start();
}

function changed() {
  layout();
  show();
  search();
  mark();
}

// -- zoom --------------------------------------------------------------------------------------

const stage = byId("stage"), shift = numbersIn((root.getAttribute("transform") || "translate(0 0)").match(/translate\([^)]*\)/)[0]);
let view = { x: 0, y: 0, scale: 1 };  // the left upper corner, and pixels per unit of the picture

function show() {
  const { clientWidth: width, clientHeight: height } = stage;
  svg.setAttribute("viewBox", `${view.x} ${view.y} ${width / view.scale} ${height / view.scale}`);
}

function corners() {
  return [0, 1].map((axis) => [size[axis][0] + shift[axis] - 12, size[axis][1] + shift[axis] + 12]);
}

function start() {
  const [[left, right], [top]] = corners(), first = order.find(({ about }) => about.operation) || order[0];
  const fits = stage.clientWidth / (right - left), phone = stage.clientWidth < 700;
  view.scale = fits < (phone ? 0.7 : 0.6) ? (phone ? 1 : 0.6) : Math.min(1.33, fits);  // what cannot be read is no overview
  const room = stage.clientWidth / view.scale, spare = room - (right - left);
  const middle = first ? placed(holderOf(first.about.cluster) || first.number, [(v) => v, (v) => v])[0][0] + shift[0] : 0;
  view.x = spare >= 0 ? left - spare / 2 : Math.max(left, Math.min(right - room, middle - room / 2));
  view.y = top;
  show();
}

function whole() {
  const [[left, right], [top, bottom]] = corners(), { clientWidth: width, clientHeight: height } = stage;
  view.scale = Math.min(2, width / (right - left), height / (bottom - top));
  view.x = (left + right - width / view.scale) / 2;
  view.y = (top + bottom - height / view.scale) / 2;
  show();
}

function zoom(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
  const scale = Math.max(0.02, Math.min(8, view.scale * factor));
  view.x += x / view.scale - x / scale;
  view.y += y / view.scale - y / scale;
  view.scale = scale;
  show();
}

function bringIntoView(group) {
  const seen = stage.getBoundingClientRect(), box = group.getBoundingClientRect();
  const outside = box.left < seen.left || box.right > seen.right || box.top < seen.top || box.bottom > seen.bottom;
  if (!outside) return;
  view.x += ((box.left + box.right) / 2 - (seen.left + seen.right) / 2) / view.scale;
  view.y += ((box.top + box.bottom) / 2 - (seen.top + seen.bottom) / 2) / view.scale;
  show();
}

const pointers = new Map();
stage.addEventListener("wheel", (event) => {
  const zooms = event.ctrlKey || event.metaKey;
  if (window.self !== window.top && !zooms) return;  // the page around a frame scrolls
  event.preventDefault();
  const box = stage.getBoundingClientRect();
  if (zooms) zoom(Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
  else { view.x += event.deltaX / view.scale; view.y += event.deltaY / view.scale; show(); }
}, { passive: false });
let dragged = 0;  // pixels since a button went down: what moves the picture is no click
stage.addEventListener("pointerdown", (event) => {
  pointers.set(event.pointerId, [event.clientX, event.clientY]);
  dragged = 0;
});
stage.addEventListener("click", (event) => dragged > 4 && event.stopPropagation(), { capture: true });
window.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const now = [event.clientX, event.clientY], other = [...pointers].find(([id]) => id !== event.pointerId);
  pointers.set(event.pointerId, now);
  dragged += Math.hypot(now[0] - before[0], now[1] - before[1]);
  if (other) {
    const far = (point) => Math.hypot(point[0] - other[1][0], point[1] - other[1][1]), box = stage.getBoundingClientRect();
    zoom(far(now) / (far(before) || 1), (now[0] + other[1][0]) / 2 - box.left, (now[1] + other[1][1]) / 2 - box.top);
  } else {
    view.x -= (now[0] - before[0]) / view.scale;
    view.y -= (now[1] - before[1]) / view.scale;
    show();
  }
});
for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, (event) => pointers.delete(event.pointerId));

// -- details -----------------------------------------------------------------------------------

const panel = byId("details");
let selected = null, pinned = null;

function short(text) {
  const end = Math.floor(LONGEST / 3);
  return text.length > LONGEST ? `${text.slice(0, LONGEST - end - 1)}…${text.slice(-end)}` : text;
}

function histogram(counts, about) {
  const most = Math.max(...counts), made = drawn("svg", { class: "histogram", viewBox: "0 0 240 56", preserveAspectRatio: "none" });
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", `histogram of ${about}`);
  counts.forEach((count, i) => {
    const height = count && Math.max(1, (54 * count) / most);
    made.append(drawn("rect", { x: (240 * i) / counts.length, y: 56 - height, width: 240 / counts.length - 1, height }));
  });
  return made;
}

function table(rows) {
  const made = element("table");
  for (const row of rows) {
    const cells = row.map((text, i) => element("td", i ? { class: "number" } : {}, text));
    made.append(element("tr", {}, ...cells));
  }
  return made;
}

function aboutTensor({ name, shape: shapeText, dtype, numbers, histogram: counts }) {
  const made = element("section", {}, element("h3", {}, `${name}  ${shapeText} ${dtype}`));
  if (counts) {
    const found = Object.fromEntries(numbers);
    made.append(histogram(counts, name));
    made.append(element("div", { class: "scale" }, element("span", {}, found.min), element("span", {}, found.max)));
  }
  made.append(table(numbers));
  return made;
}

function aboutSaved(saved) {
  const made = element("section", {}, element("h3", {}, "saved for the derivative"));
  if (saved === null) made.append(element("p", {}, "freed by backward"));
  else if (!saved.length) made.append(element("p", {}, "nothing"));
  else made.append(table(saved.map(([name, shapeText, dtype, bytes]) => [`${name} ${shapeText} ${dtype}`, `${bytes.toLocaleString("en")} bytes`])));
  return made;
}

function aboutOperation(name) {
  const { formula, rules, example } = data.operations[name], made = element("section", {}, element("h3", {}, "formula"));
  made.append(element("pre", {}, formula.replaceAll("``", "")), element("h3", {}, "derivative rules"));
  for (const [operand, text] of rules) {
    made.append(element("p", { class: "quiet" }, `gradient of ${operand}`), element("pre", {}, text || "its text cannot be read"));
  }
  if (example) made.append(element("h3", {}, "example"), element("pre", {}, example));
  return made;
}

function pathOf(name) {
  const made = element("p", { class: "path" });
  for (const each of around(name)) {
    const closed = folded.has(each), { title } = clusters.get(each).about;
    made.append(button(`${closed ? "Unfold" : "Fold"} ${short(title)}`, () => fold(each, !closed)));
  }
  return made;
}

function describe(number) {
  const { about } = nodes.get(number), facts = frame ? frame.facts[number] || about : about;
  panel.replaceChildren(element("h2", {}, about.title));
  panel.append(element("p", { class: "quiet" }, [about.kind === "op" ? "operation" : about.kind, about.mode].filter(Boolean).join("  ")));
  if (around(about.cluster).length) panel.append(pathOf(about.cluster));
  const list = element("ul");
  for (const [text, alarming] of linesOf(number)) {
    list.append(element("li", alarming ? { class: "alarm" } : {}, (alarming ? SIGN : "") + text));
  }
  panel.append(list, ...facts.tensors.map(aboutTensor));
  if (about.operation) {
    if (!facts.tensors.length) panel.append(element("p", { class: "quiet" }, "Its values were not kept: no derivative needs them."));
    panel.append(aboutSaved(about.saved), aboutOperation(about.operation));
  }
}

function help() {
  panel.replaceChildren(element("p", {}, "Point at a box, or select one, for what is known of it."));
  const rows = [["arrow keys", "from box to box along the arrows"], ["f", "fold the module around a box"], ["/", "search"],
    ["+  −  0", "larger, smaller, whole picture"], ["Escape", "nothing selected"], ["wheel, drag", "move; with Ctrl the wheel zooms"]];
  const list = element("table", { class: "quiet keys" });
  for (const row of rows) list.append(element("tr", {}, ...row.map((text) => element("td", {}, text))));
  panel.append(list);
}

function mark() {
  for (const { group, number } of order) group.classList.toggle("on", number === selected);
  for (const { group, source, target } of edges) group.classList.toggle("on", selected !== null && (source === selected || target === selected));
}

function select(number, pin) {
  selected = number;
  pinned = pin ? number : pinned;
  for (const { group } of order) group.setAttribute("tabindex", "-1");
  mark();
  if (number === null) { pinned = null; return help(); }
  const { group } = nodes.get(number);
  group.setAttribute("tabindex", "0");
  return describe(number);
}

function go(number) {
  const holder = holderOf(nodes.get(number).about.cluster);
  const group = holder ? stands.querySelector(`[data-name="${holder}"]`) : nodes.get(number).group;
  select(number, true);
  group.focus({ preventScroll: true });
  bringIntoView(group);
}

// -- search ------------------------------------------------------------------------------------

const field = byId("search"), found = byId("found");
let matches = [];

function search() {
  const wanted = field.value.trim().toLowerCase();
  const texts = ({ number, about }) => [about.title, about.mode, ...linesOf(number).map(([text]) => text),
    ...around(about.cluster).map((name) => clusters.get(name).about.title)];
  matches = wanted ? order.filter((node) => texts(node).some((text) => text.toLowerCase().includes(wanted))) : [];
  for (const node of order) node.group.classList.toggle("miss", Boolean(wanted) && !matches.includes(node));
  for (const stand of stands.querySelectorAll(".folded")) {
    const hit = matches.some(({ about }) => around(about.cluster).includes(stand.dataset.name));
    stand.classList.toggle("miss", Boolean(wanted) && !hit);
  }
  found.textContent = wanted ? `${matches.length} found` : "";
}

field.addEventListener("input", search);
field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !matches.length) return;
  const place = (matches.findIndex(({ number }) => number === selected) + 1) % matches.length;
  go(matches[place].number);
  found.textContent = `${place + 1} of ${matches.length}`;
  field.focus();
});

// -- keys --------------------------------------------------------------------------------------

// Whether another box is shown elsewhere: not in the same folded module
const elsewhere = (number, other) => shownAs(other) !== shownAs(number);
const placeOf = (number) => order.findIndex((node) => node.number === number);
const neighbours = {
  ArrowDown: (number) => edges.find(({ source, target }) => !elsewhere(number, source) && elsewhere(number, target))?.target,
  ArrowUp: (number) => edges.findLast(({ source, target }) => !elsewhere(number, target) && elsewhere(number, source))?.source,
  ArrowRight: (number) => order.slice(placeOf(number)).find((node) => elsewhere(number, node.number))?.number,
  ArrowLeft: (number) => order.slice(0, placeOf(number)).findLast((node) => elsewhere(number, node.number))?.number,
};
const keys = {
  "/": () => field.focus(), "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: whole,
  Escape: () => { field.value = ""; search(); select(null, false); },
  f: () => { const name = selected !== null && around(nodes.get(selected).about.cluster).at(-1); if (name) fold(name, !folded.has(name)); },
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.tagName === "INPUT" && (event.target.type === "range" || event.key !== "Escape")) return;
  if (neighbours[event.key] && order.length) {
    const next = selected === null ? order[0].number : neighbours[event.key](selected);
    if (next !== undefined) go(next);
  } else if (keys[event.key]) keys[event.key]();
  else if ((event.key === "Enter" || event.key === " ") && event.target.classList.contains("node")) select(selected, true);
  else return;
  event.preventDefault();
});

// -- steps of a film -----------------------------------------------------------------------------

let frame = null;

function linesOf(number) {
  return (frame && frame.lines[number]) || nodes.get(number).about.lines;
}

function write(text, content, alarming) {
  text.textContent = (alarming ? SIGN : "") + short(content) || " ";
  text.classList.toggle("alarm", Boolean(alarming));
  text.classList.toggle("still", !alarming);
}

function showFrame(i) {
  frame = data.frames[i];
  byId("shown").textContent = frame.title;
  byId("header").textContent = frame.header;
  for (const { number, texts } of order) {
    const lines = linesOf(number);
    texts.slice(1).forEach((text, k) => write(text, lines[k] ? lines[k][0] : "", lines[k] && lines[k][1]));
  }
  edges.forEach(({ source, target, texts }) => {
    const label = frame.edges[`${source} ${target}`];
    if (label && texts[0]) texts[0].each.textContent = label;
  });
  if (selected !== null) describe(selected);
}

if (data.frames) {
  const slider = byId("step");
  let timer = null;
  slider.max = data.frames.length - 1;
  slider.addEventListener("input", () => showFrame(Number(slider.value)));
  byId("play").addEventListener("click", () => {
    byId("play").textContent = timer ? "Play" : "Stop";
    if (timer) { clearInterval(timer); timer = null; return; }
    if (slider.value === slider.max) slider.value = 0;
    timer = setInterval(() => {
      if (slider.value === slider.max) { byId("play").click(); return; }
      slider.value = Number(slider.value) + 1;
      showFrame(Number(slider.value));
    }, 500);
  });
}

// -- light and dark ----------------------------------------------------------------------------

const preferred = matchMedia("(prefers-color-scheme: dark)");
let dark = preferred.matches || document.documentElement.classList.contains("dark");
function theme(value) {
  dark = value;
  document.documentElement.style.colorScheme = dark ? "dark" : "light";
  byId("theme").textContent = dark ? "Light" : "Dark";
}
preferred.addEventListener("change", () => theme(preferred.matches));
byId("theme").addEventListener("click", () => theme(!dark));
byId("fold").addEventListener("click", foldAll);
byId("unfold").addEventListener("click", unfoldAll);
byId("smaller").addEventListener("click", () => zoom(0.8));
byId("larger").addEventListener("click", () => zoom(1.25));
byId("whole").addEventListener("click", whole);
window.addEventListener("resize", show);
theme(dark);
layout();
help();
if (data.frames) showFrame(0);
if (order.length) order[0].group.setAttribute("tabindex", "0");
start();
}

// In a frame of a page that is not laid out yet nothing has a size
(() => {
  const stage = document.getElementById("stage");
  if (stage.clientWidth && stage.querySelector("g.graph").getBBox().width) return main();
  const watcher = new ResizeObserver(() => {
    if (!stage.clientWidth) return;
    watcher.disconnect();
    main();
  });
  return watcher.observe(stage);
})();
