"""The client of Headrace's own API, over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx

FINAL = ("SUCCEEDED", "FAILED", "CANCELED")
_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 60.0
"""How long a watch bears with a gateway that is away: a restart is over long before."""


class ClientError(Exception):
    """The gateway refused or could not be reached; `code` is stable, the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Client:
    """Talks to one gateway."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """`token` is sent with every request. Without one the gateway takes us for its owner when
        we are a program of its own user on its own machine, and where it is set up to."""
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1",
            timeout=httpx.Timeout(30, connect=3),
            trust_env=False,
            headers={"Authorization": f"Bearer {token}"} if token else None,
        )

    def me(self) -> dict[str, Any]:
        """Who we are to the gateway: ``kind``, ``name``, ``roles`` by namespace, ``multi_user``."""
        return dict(self._call("GET", "/me").json())

    def submit(self, request: dict[str, Any]) -> dict[str, Any]:
        """Submit a run (the JSON of a submit request); returns it.

        Raises:
            ClientError: it was refused; nothing was kept.
        """
        return dict(self._call("POST", "/runs", json=request).json())

    def run(self, run_id: str) -> dict[str, Any]:
        """One run with its tasks."""
        return dict(self._call("GET", f"/runs/{run_id}").json())

    def runs(self, count: int) -> list[dict[str, Any]]:
        """The newest runs."""
        return list(self._call("GET", "/runs", params={"page_size": count}).json().get("runs", []))

    def operate(self, run_id: str, operation: str, **options: Any) -> None:
        """Do something with a run: ``cancel`` (option ``force``: its exit tasks too), ``pause``,
        ``resume``, ``retry``, ``archive`` or ``unarchive``.

        Raises:
            ClientError: the run is unknown, or in a state that does not allow it.
        """
        self._call("POST", f"/runs/{run_id}/{operation}", params=options)

    def delete(self, run_id: str) -> None:
        """Delete a run and all that it made."""
        self._call("DELETE", f"/runs/{run_id}")

    def rerun_preview(self, run_id: str, tasks: Sequence[str]) -> dict[str, Any]:
        """Which tasks a rerun from these would take over (``reuse``), and which it would run."""
        params = {"task": list(tasks)}
        return dict(self._call("GET", f"/runs/{run_id}/rerun-preview", params=params).json())

    def create_recurring(self, definition: dict[str, Any]) -> dict[str, Any]:
        """Make a recurring run; returns it."""
        return dict(self._call("POST", "/recurring-runs", json=definition).json())

    def recurring(self, identity: str) -> dict[str, Any]:
        """One recurring run."""
        return dict(self._call("GET", f"/recurring-runs/{identity}").json())

    def recurring_runs(self, count: int) -> list[dict[str, Any]]:
        """The newest recurring runs."""
        answer = self._call("GET", "/recurring-runs", params={"page_size": count}).json()
        return list(answer.get("recurring_runs", []))

    def edit_recurring(self, identity: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Change some fields of a recurring run; returns it."""
        return dict(self._call("PATCH", f"/recurring-runs/{identity}", json=changes).json())

    def switch_recurring(self, identity: str, enabled: bool) -> dict[str, Any]:
        """Enable or disable a recurring run; returns it."""
        word = "enable" if enabled else "disable"
        return dict(self._call("POST", f"/recurring-runs/{identity}/{word}").json())

    def delete_recurring(self, identity: str) -> None:
        """Delete a recurring run; its runs stay."""
        self._call("DELETE", f"/recurring-runs/{identity}")

    def next_moments(self, identity: str, count: int) -> list[str]:
        """The next slots of a recurring run, RFC 3339."""
        params = {"count": count}
        answer = self._call("GET", f"/recurring-runs/{identity}/next", params=params).json()
        return list(answer["moments"])

    def log(self, run_id: str, task_id: str) -> bytes:
        """A task's log as far as it is there."""
        body = b""
        while True:
            part = self._call(
                "GET", f"/runs/{run_id}/tasks/{task_id}/log", params={"offset": len(body)}
            )
            body += part.content
            if not part.content or len(body) >= int(part.headers.get("x-log-size", 0)):
                return body

    def watch(self, run_id: str, seconds: float | None = None) -> Iterator[dict[str, Any]]:
        """A run as it stands, and again at each change, until it has ended. A gateway that is away
        for a while is waited for.

        Raises:
            TimeoutError: the run has not ended within `seconds`.
            ClientError: the run is unknown, or the gateway stayed away for a minute.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        away_since: float | None = None
        version = -1
        while True:
            try:
                tasks: dict[str, dict[str, Any]] = {}
                for changed in self._stream(run_id, deadline):
                    away_since = None
                    tasks |= {task["task_id"]: task for task in changed.get("tasks") or ()}
                    run = {**changed, "tasks": in_order(tasks)}
                    if run["version"] > version:
                        version = run["version"]
                        yield run
                    if run["state"] in FINAL:
                        return
            except (httpx.HTTPError, ClientError) as error:
                if isinstance(error, ClientError) and error.code != "UNAVAILABLE":
                    raise
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > _PATIENCE_SECONDS:
                    raise _unreachable(self.url) from None
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"run {run_id} has not ended within {seconds:g} s")
            time.sleep(_POLL_SECONDS)

    def _stream(self, run_id: str, deadline: float | None) -> Iterator[dict[str, Any]]:
        """The run, and then what changes: each time those of its tasks alone that have."""
        timeout = httpx.Timeout(30, connect=3)
        with self._http.stream("GET", f"/runs/{run_id}/live", timeout=timeout) as response:
            if response.status_code >= 400:
                response.read()
                raise _refused(response)
            for line in response.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line[len("data: ") :])
                if deadline is not None and time.monotonic() > deadline:
                    return

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **options)
        except httpx.HTTPError:
            raise _unreachable(self.url) from None
        if response.status_code >= 400:
            raise _refused(response)
        return response


def in_order(tasks: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """A run's tasks by id as the graph is read: each before those inside it and those that depend
    on it."""
    places: dict[str, tuple[int, ...]] = {}

    def place(task: dict[str, Any]) -> tuple[int, ...]:
        known = places.get(task["task_id"])
        if known is None:
            parent = tasks.get(task.get("parent_task_id") or "")
            known = (*(place(parent) if parent else ()), task.get("position", 0))
            places[task["task_id"]] = known
        return known

    return sorted(tasks.values(), key=place)


def _unreachable(url: str) -> ClientError:
    return ClientError(
        "UNREACHABLE", f"there is no gateway at {url}; start the deployment with: headrace up"
    )


def _refused(response: httpx.Response) -> ClientError:
    try:
        body = response.json()
        message = str(body["detail"])
        if body.get("field") and body["field"] not in message:
            message = f"{message} (at {body['field']})"
        return ClientError(body.get("code", "REFUSED"), message)
    except (ValueError, KeyError, TypeError):
        return ClientError("REFUSED", f"the gateway answered {response.status_code}")
