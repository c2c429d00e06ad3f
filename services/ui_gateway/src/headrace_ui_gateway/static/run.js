import { address, cell, definitions, duration, link, make, watch } from "./common.js";
import { draw } from "./graph.js";
import { visualize } from "./visualizations.js";

const id = location.pathname.split("/").pop();
const FINAL = ["SUCCEEDED", "FAILED", "CANCELED"];
const byId = (name) => document.getElementById(name);
let run = null;
let logOf = null;
let logSize = 0;
let logReading = false;

const MOST_SHOWN = 300;
const ROOT = "root";
const isInside = (task) => task?.kind === "DAG" || task?.kind === "LOOP";
const parentOf = (path) => path.split("/").slice(0, -1).join("/");

function chosen() {
  const path = location.hash.slice(1).split("/").map(decodeURIComponent).join("/");
  return run.tasks?.find((task) => task.path === path);
}

function level() {  // the DAG or loop whose tasks are shown
  const task = chosen();
  if (!task) return ROOT;
  return isInside(task) ? task.path : parentOf(task.path);
}

function tasksOf(path) {
  return (run.tasks ?? [])
    .filter((task) => parentOf(task.path) === path)
    .sort((one, other) => one.position - other.position);
}

function facts() {
  const state = make("span", run.state, `state ${run.state}`);
  const rest = [run.pipeline.name, duration(run), new Date(run.created_at).toLocaleString()];
  byId("facts").replaceChildren(state, make("span", ` · ${rest.filter(Boolean).join(" · ")}`, "dim"));
}

function actions() {
  const verbs = {
    RUNNING: ["pause", "cancel"], PENDING: ["pause", "cancel"], PAUSED: ["resume", "cancel"],
    FAILED: ["retry"], CANCELED: ["retry"],
  }[run.state] ?? [];
  byId("actions").replaceChildren(...verbs.map((verb) => {
    const button = make("button", verb);
    button.onclick = async () => {
      button.disabled = true;
      const response = await fetch(`/api/v1/runs/${id}/${verb}`, { method: "POST" });
      if (!response.ok) alert((await response.json()).detail);
      else if (FINAL.includes(run.state)) location.reload();
    };
    return button;
  }));
}

function crumbs() {
  const parts = level().split("/");
  const links = parts.map((name, depth) => {
    const path = parts.slice(0, depth + 1).join("/");
    return link(path === ROOT ? "#" : address(path), path === ROOT ? "all tasks" : name);
  });
  byId("level").hidden = parts.length === 1;
  byId("level").replaceChildren(...links.flatMap((one, at) => (at ? [" / ", one] : [one])));
}

function taskRows() {
  const tasks = tasksOf(level());
  byId("more").hidden = tasks.length <= MOST_SHOWN;
  byId("more").textContent = `and ${tasks.length - MOST_SHOWN} more`;
  byId("tasks").replaceChildren(...tasks.slice(0, MOST_SHOWN).map((task) => {
    const row = make("tr", undefined, task === chosen() ? "chosen" : "");
    const taken = task.origin ? (task.origin.kind === "cache" ? "from the cache" : "from the earlier run") : "";
    const detail = task.error?.message?.split("\n")[0] ?? task.detail ?? taken;
    row.append(
      cell(link(address(task.path), task.display_name)),
      cell(make("span", task.state, `state ${task.state}`)),
      cell(duration(task), "num"),
      cell(task.attempt ? String(task.attempt) : "", "num"),
      cell(make("span", detail, "dim")),
    );
    return row;
  }));
}

function outputs(task) {
  const values = { ...task.outputs.parameters };
  for (const [name, artifacts] of Object.entries(task.outputs.artifacts)) {
    artifacts.forEach((artifact, index) => {
      const shown = make("span");
      const href = `/api/v1/runs/${id}/tasks/${task.task_id}/artifacts/${encodeURIComponent(name)}?index=${index}`;
      const empty = artifact.content.kind === "none";
      shown.append(empty ? make("span", "no content", "dim") : link(href, artifact.uri));
      if (Object.keys(artifact.metadata).length) {
        shown.append(make("div", JSON.stringify(artifact.metadata).slice(0, 500), "dim"));
      }
      values[name] = shown;
    });
  }
  return values;
}

function details() {
  const task = chosen();
  byId("task").hidden = !task;
  if (!task) return;
  byId("task-name").textContent = task.display_name;
  const parts = [];
  if (task.error) parts.push(make("p", task.error.message, "error"));
  parts.push(make("h3", "Inputs"), definitions(Object.entries(task.inputs.parameters)));
  parts.push(make("h3", "Outputs"), definitions(Object.entries(outputs(task))));
  byId("task-values").replaceChildren(...parts);
}

async function log() {  // one read at a time: a second one would show the same part twice
  if (logReading) return;
  logReading = true;
  try {
    await readLog();
  } finally {
    logReading = false;
  }
}

async function readLog() {
  const task = run && chosen();
  byId("log-part").hidden = !task?.has_log;
  if (!task?.has_log) return;
  const key = `${task.task_id}/${task.attempt}`;
  if (key !== logOf) {
    [logOf, logSize] = [key, 0];
    byId("log").textContent = "";
  }
  const response = await fetch(`/api/v1/runs/${id}/tasks/${task.task_id}/log?offset=${logSize}`);
  if (!response.ok) return;
  const bytes = await response.arrayBuffer();
  if (key !== logOf) return;
  logSize += bytes.byteLength;
  if (bytes.byteLength) byId("log").append(new TextDecoder().decode(bytes));
}

function show() {
  document.title = `${run.display_name} · Headrace`;
  byId("name").textContent = run.display_name;
  byId("error").hidden = !run.error;
  byId("error").textContent = run.error?.message ?? "";
  facts();
  actions();
  crumbs();
  draw(byId("graph"), tasksOf(level()).slice(0, MOST_SHOWN));
  taskRows();
  details();
  visualize(run, chosen(), FINAL.includes(run.state));
  named("outputs", run.outputs.parameters);
  named("parameters", run.parameters);
}

function named(id, values) {
  const entries = Object.entries(values);
  byId(id).parentElement.hidden = !entries.length;
  byId(id).replaceChildren(definitions(entries));
}

function take(value) {
  run = value;
  show();
  log();
  return FINAL.includes(run.state);
}

function merge(changed) {  // its tasks are only those that have changed
  const tasks = new Map((run?.tasks ?? []).map((task) => [task.task_id, task]));
  for (const task of changed.tasks ?? []) tasks.set(task.task_id, task);
  return take({ ...changed, tasks: [...tasks.values()] });
}

watch(`/api/v1/runs/${id}/live`, { run: take, changes: merge });
addEventListener("hashchange", () => { if (run) { show(); log(); } });
setInterval(() => {
  if (!run || FINAL.includes(run.state)) return;
  facts();
  taskRows();
  visualize(run, chosen(), false);
  log();
}, 1000);
