// Tasks in layers: each one is to the right of the tasks on which it depends. O(V + E).

import { address, svg } from "./common.js";

const WIDTH = 170, HEIGHT = 34, GAP_X = 50, GAP_Y = 16;

function layers(tasks) {
  const depth = new Map();
  for (const task of tasks) {  // the tasks are in topological order
    const above = (task.dependencies ?? []).map((id) => depth.get(id) ?? 0);
    depth.set(task.task_id, above.length ? Math.max(...above) + 1 : 0);
  }
  return depth;
}

export function draw(graph, tasks) {
  const depth = layers(tasks);
  const used = [];
  const place = new Map();
  for (const task of tasks) {
    const column = depth.get(task.task_id);
    used[column] = (used[column] ?? 0) + 1;
    place.set(task.task_id, {
      x: 4 + column * (WIDTH + GAP_X),
      y: 4 + (used[column] - 1) * (HEIGHT + GAP_Y),
    });
  }
  const width = 8 + used.length * (WIDTH + GAP_X) - GAP_X;
  const height = 8 + Math.max(1, ...used) * (HEIGHT + GAP_Y) - GAP_Y;
  graph.setAttribute("width", width);
  graph.setAttribute("height", height);
  graph.setAttribute("viewBox", `0 0 ${width} ${height}`);
  graph.replaceChildren();
  for (const task of tasks) {
    const to = place.get(task.task_id);
    for (const id of task.dependencies ?? []) {
      const from = place.get(id);
      if (!from) continue;
      const x1 = from.x + WIDTH, y1 = from.y + HEIGHT / 2, y2 = to.y + HEIGHT / 2;
      const bend = (to.x - x1) / 2;
      graph.append(svg("path", { d: `M${x1},${y1} C${x1 + bend},${y1} ${to.x - bend},${y2} ${to.x},${y2}` }));
    }
  }
  for (const task of tasks) {
    const { x, y } = place.get(task.task_id);
    const box = svg("a", { href: address(task.path), class: task.state });
    const title = svg("title", {});
    title.textContent = `${task.display_name}: ${task.state}`;
    const label = svg("text", { x: x + 12, y: y + HEIGHT / 2 + 5 });
    const name = task.display_name;
    label.textContent = name.length > 20 ? `${name.slice(0, 19)}…` : name;
    box.append(title, svg("rect", { x, y, width: WIDTH, height: HEIGHT, rx: 6 }), label);
    if (task.kind === "DAG" || task.kind === "LOOP") {  // a second border: the task contains other tasks
      box.append(svg("rect", { x: x + 3, y: y + 3, width: WIDTH - 6, height: HEIGHT - 6, rx: 4, class: "inner" }));
    }
    graph.append(box);
  }
}
