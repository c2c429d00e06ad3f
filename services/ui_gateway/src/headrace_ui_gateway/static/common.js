// Shared by the pages: elements that contain only text, durations, and the live stream.

const NS = "http://www.w3.org/2000/svg";

export function svg(tag, attributes) {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

export function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = text;
  if (className) element.className = className;
  return element;
}

export function link(href, text) {
  const anchor = make("a", text);
  anchor.href = href;
  return anchor;
}

export function cell(content, className) {
  const td = make("td", undefined, className);
  td.append(content);
  return td;
}

export function address(path) {  // of a task, within its run's page
  return `#${path.split("/").map(encodeURIComponent).join("/")}`;
}

export function duration(item) {
  if (!item.started_at) return "";
  const ended = ["SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"].includes(item.state);
  if (ended && !item.finished_at) return "";
  const end = item.finished_at ? new Date(item.finished_at) : new Date();
  const seconds = Math.max(0, (end - new Date(item.started_at)) / 1000);
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${Math.floor(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function definitions(values) {  // pairs of a name and a value
  const list = make("dl");
  for (const [name, value] of values) {
    list.append(make("dt", name));
    const shown = value instanceof Node ? value : typeof value === "string" ? value : JSON.stringify(value);
    const dd = make("dd");
    dd.append(shown);
    list.append(dd);
  }
  return list;
}

// `handlers` has a function for each kind of event. The stream is closed when one returns true.
export function watch(url, handlers) {
  const live = document.getElementById("live");
  const source = new EventSource(url);
  source.onopen = () => { live.textContent = "live"; };
  for (const [kind, handle] of Object.entries(handlers)) {
    source.addEventListener(kind, (event) => {
      if (handle(JSON.parse(event.data)) === true) {
        source.close();
        live.textContent = "";
      }
    });
  }
  source.onerror = () => { live.textContent = "connection lost, reconnecting"; };
}
