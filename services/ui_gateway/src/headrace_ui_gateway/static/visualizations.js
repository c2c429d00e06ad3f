// Visualizations of a run's artifacts. The content is untrusted: it becomes text, or a frame without an origin.

import { address, cell, definitions, link, make, svg } from "./common.js";

const REFRESH_MS = 5000;  // between two reads of a run that has not ended
const AREA = 240, LEFT = 44, TOP = 12, RIGHT = 16, BOTTOM = 40;
const PLAIN = new Set(
  "A BLOCKQUOTE BR CODE EM H1 H2 H3 H4 H5 H6 HR LI OL P PRE STRONG TABLE TBODY TD TH THEAD TR UL".split(" "),
);
const section = document.getElementById("visualizations-part");
let known = null;
let looked = 0;

const number = (value) => String(Math.abs(value) < 10000 ? +value.toPrecision(6) : +value.toFixed(2));
const percent = (share) => `${+(share * 100).toFixed(1)} %`;

function table({ columns, rows }) {
  const numeric = columns.map((_, at) => rows.every((row) => row[at] === "" || Number.isFinite(+row[at])));
  const body = make("tbody");
  const fill = (sorted) => body.replaceChildren(...sorted.map((row) => {
    const line = make("tr");
    line.append(...row.map((text, at) => cell(text, numeric[at] ? "num" : "")));
    return line;
  }));
  const head = make("tr");
  head.append(...columns.map((name, at) => {
    const th = make("th", undefined, numeric[at] ? "num" : "");
    const button = make("button", name || "·", "sort");
    button.title = "Sort by this column";
    button.onclick = () => {
      const down = th.ariaSort === "ascending";
      for (const other of head.children) other.ariaSort = "none";
      th.ariaSort = down ? "descending" : "ascending";
      const order = (one, other) => (numeric[at] ? one[at] - other[at] : one[at].localeCompare(other[at]));
      fill([...rows].sort((one, other) => order(one, other) * (down ? -1 : 1)));
    };
    th.append(button);
    return th;
  }));
  fill(rows);
  const shown = make("table");
  const thead = make("thead");
  thead.append(head);
  shown.append(thead, body);
  return scrolling(shown);
}

function scrolling(content) {
  const box = make("div", undefined, "scrolling");
  box.tabIndex = 0;
  box.append(content);
  return box;
}

function confusionMatrix({ labels, counts, totals, axes }) {
  const shown = make("table", undefined, "matrix");
  const top = make("tr"), names = make("tr"), head = make("thead"), body = make("tbody");
  const across = make("th", `${axes[1]} →`, "axis");
  across.colSpan = labels.length;
  top.append(make("th", `${axes[0]} ↓`, "axis"), across);
  names.append(make("td"), ...labels.map((label) => make("th", label, "num")));
  head.append(top, names);
  labels.forEach((label, row) => {
    const line = make("tr");
    const th = make("th", label);
    th.scope = "row";
    line.append(th, ...counts[row].map((count, column) => {
      const share = totals[row] ? count / totals[row] : 0;
      const td = make("td", number(count), "num");
      td.title = `${axes[0]} ${label}, ${axes[1]} ${labels[column]}: ${number(count)} of ${number(totals[row])}`;
      td.style.setProperty("--share", share);
      td.append(make("small", percent(share)));
      return td;
    }));
    body.append(line);
  });
  shown.append(head, body);
  return scrolling(shown);
}

function roc({ points, auc }) {
  const x = (rate) => LEFT + rate * AREA, y = (rate) => TOP + (1 - rate) * AREA;
  const width = LEFT + AREA + RIGHT, height = TOP + AREA + BOTTOM;
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  const label = (text, attributes) => {
    const made = svg("text", attributes);
    made.textContent = text;
    return made;
  };
  drawing.append(label(`ROC curve, area under the curve ${auc.toFixed(4)}`, { class: "unseen" }));
  for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
    drawing.append(
      svg("path", { d: `M${x(tick)},${y(0)}V${y(1)}M${x(0)},${y(tick)}H${x(1)}` }),
      label(tick, { x: x(tick), y: y(0) + 16, "text-anchor": "middle" }),
      label(tick, { x: x(0) - 6, y: y(tick) + 4, "text-anchor": "end" }),
    );
  }
  const way = points.map(({ fpr, tpr }, at) => `${at ? "L" : "M"}${x(fpr)},${y(tpr)}`).join("");
  drawing.append(
    svg("path", { d: `M${x(0)},${y(0)}L${x(1)},${y(1)}`, class: "chance" }),
    svg("path", { d: way, class: "curve" }),
    label("false positive rate", { x: x(0.5), y: height - 6, "text-anchor": "middle" }),
    label("true positive rate", { x: 0, y: 0, "text-anchor": "middle", transform: `translate(11 ${y(0.5)}) rotate(-90)` }),
    label(`AUC ${auc.toFixed(4)}`, { x: x(0.97), y: y(0.05), "text-anchor": "end", class: "auc" }),
  );
  for (const point of points) {
    const spot = svg("circle", { cx: x(point.fpr), cy: y(point.tpr), r: 5 });
    const title = svg("title", {});
    const at = point.threshold === null ? "" : `, threshold ${number(point.threshold)}`;
    title.textContent = `false positives ${number(point.fpr)}, true positives ${number(point.tpr)}${at}`;
    spot.append(title);
    drawing.append(spot);
  }
  return drawing;
}

function scalars(shown) {
  return definitions(shown.scalars.map(({ name, value, format }) => {
    if (typeof value !== "number") return [name, String(value)];
    return [name, format === "PERCENTAGE" ? percent(value) : number(value)];
  }));
}

function markdown({ text, html }) {
  if (html === null) return make("pre", text);
  const shown = make("div", undefined, "markdown");
  adopt(shown, new DOMParser().parseFromString(html, "text/html").body);
  return shown;
}

function adopt(into, from) {  // plain elements and links to other sites; only the text of everything else
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) into.append(node.data);
    if (node.nodeType !== Node.ELEMENT_NODE) continue;
    const made = PLAIN.has(node.tagName) ? make(node.tagName) : make("span");
    if (made.tagName === "A" && /^https?:/i.test(node.getAttribute("href") ?? "")) {
      made.href = node.getAttribute("href");
      made.rel = "noopener noreferrer";
    }
    adopt(made, node);
    into.append(made);
  }
}

function html({ artifact_id: artifact, position, title }) {
  const frame = make("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.loading = "lazy";
  frame.title = title;
  frame.src = `/api/v1/artifacts/${artifact}/visualizations/${position}/page`;
  return frame;
}

const unshown = ({ message, field }) => make("p", field ? `${field}: ${message}` : message, "error");

const DRAWN = { table, confusion_matrix: confusionMatrix, roc, scalars, markdown, html, error: unshown };

export function draw(shown) {
  const figure = make("figure", undefined, "visualization");
  const wide = (shown.columns ?? shown.labels ?? []).length > 5 || shown.type === "html";
  if (wide) figure.classList.add("wide");
  const caption = make("figcaption");
  caption.append(make("strong", shown.title), " ", link(address(shown.path), shown.path.replace(/^root\//, "")));
  figure.append(caption, DRAWN[shown.type](shown));
  if (shown.truncated) figure.append(make("p", "Some content was left out.", "dim"));
  return figure;
}

// Of the run, or of a task and the tasks inside it. Read again when there are more artifacts.
export async function visualize(run, task, ended) {
  const within = (one) => !task || `${one.path}/`.startsWith(`${task.path}/`);
  const made = run.tasks.filter(within).flatMap((one) => Object.values(one.outputs.artifacts).flat());
  const whose = task?.task_id ?? "";
  const now = `${whose} ${made.length}`;
  const early = !ended && known?.startsWith(`${whose} `) && Date.now() - looked < REFRESH_MS;
  if (now === known || early) return;
  [known, looked] = [now, Date.now()];
  const response = made.length
    ? await fetch(`/api/v1/runs/${run.run_id}/visualizations${task ? `?task_id=${whose}` : ""}`)
    : null;
  const answer = response ? await response.json() : { visualizations: [] };
  if (now !== known) return;  // another task was selected in the meantime
  const parts = response && !response.ok
    ? [make("p", answer.detail, "error")]
    : answer.visualizations.map(draw);
  if (answer.truncated) parts.push(make("p", "There are more visualizations: select a task to see all of its own.", "dim"));
  section.hidden = !parts.length;
  document.getElementById("visualizations").replaceChildren(...parts);
}
