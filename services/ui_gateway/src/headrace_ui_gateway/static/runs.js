import { cell, duration, link, make, watch } from "./common.js";

let runs = [];

function show() {
  const body = document.getElementById("runs");
  body.replaceChildren(...runs.map((run) => {
    const row = make("tr");
    row.append(
      cell(link(`/runs/${run.run_id}`, run.display_name)),
      cell(run.pipeline.name),
      cell(make("span", run.state, `state ${run.state}`)),
      cell(duration(run), "num"),
      cell(new Date(run.created_at).toLocaleString()),
    );
    return row;
  }));
  document.getElementById("empty").hidden = runs.length > 0;
}

async function load() {
  const response = await fetch("/api/v1/runs?page_size=100");
  if (!response.ok) return;
  runs = (await response.json()).runs ?? [];
  show();
}

watch("/api/v1/runs/live", { runs: () => { load(); } });
setInterval(() => { if (runs.some((run) => !run.finished_at)) show(); }, 1000);
