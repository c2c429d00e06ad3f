"""The blocking and the asyncio client on a deployment."""

from __future__ import annotations

import asyncio
import importlib.util
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.machinery import SourceFileLoader
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from headrace.client import AsyncClient, Client, ClientError, Run, RunFailedError

from tests.e2e.client.packages import FAIL_ONCE, SLEEP, STEPS, TALK_AND_WAIT
from tests.support.deployment import Deployment
from tests.support.waiting import HANG_SECONDS, until

pytestmark = pytest.mark.e2e


@pytest.fixture
def client(deployment: Deployment) -> Iterator[Client]:
    with Client(deployment.url, deployment.json("token")["token"]) as made:
        yield made


def fresh(word: str) -> str:
    return f"{word}-{uuid.uuid4().hex[:8]}"


def check_artifacts(client: Client, run: Run, folder: Path) -> None:
    """Check the artifacts and the lineage of a run of STEPS."""
    made = {one["output"]: one for one in client.artifacts(run)}
    assert set(made) == {"table", "folder", "metrics"}
    file = client.download(made["table"], folder / "table.csv")
    assert file.read_text() == "x,y\n0,0\n1,1\n2,4\n"
    place = client.download(made["folder"], folder / "tree")
    assert (place / "sub" / "b.txt").read_text() == "b\n"
    assert client.read(made["table"]).startswith(b"x,y\n")
    rows = client.table(made["table"])
    if importlib.util.find_spec("pandas"):
        rows = rows.astype(str).to_dict("records")
    assert [row["y"] for row in rows] == ["0", "1", "4"]
    types = sorted(one["type"] for one in client.lineage(made["table"]))
    assert types == ["INPUT", "OUTPUT"]
    with pytest.raises(ClientError, match="is a folder"):
        client.read(made["folder"])


def test_a_run_from_its_package_to_its_results(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "steps.yaml"
    path.write_text(STEPS)
    run = client.submit(path, {"rows": 3}, name="by the client", experiment=fresh("e"))
    ended = client.wait(run, HANG_SECONDS, show="none").check()
    assert ended.outputs == {"word": "hello"}
    assert {task.path: task.state for task in ended.tasks} == {
        "make": "SUCCEEDED",
        "use": "SUCCEEDED",
    }
    assert client.log(ended, ended.task("make").task_id) == b"line 1\nline 2\nline 3\n"
    assert "<svg" in ended._repr_html_()
    assert ended.metrics == {"rows_made": 3.0}
    check_artifacts(client, ended, tmp_path)
    other = client.wait(client.submit(STEPS, {"rows": 4}), HANG_SECONDS, show="none").check()
    differing = {row.name: row.values for row in client.compare(run, other).rows if row.differs}
    assert differing["rows"] == (3, 4)
    assert differing["rows_made"] == (3.0, 4.0)
    assert [one.run_id for one in client.runs(2)][:1] == [other.run_id]
    assert client.events(run)[-1]["type"] == "run.succeeded"


async def test_a_run_with_asyncio(deployment: Deployment, tmp_path: Path) -> None:
    token = deployment.json("token")["token"]
    async with AsyncClient(deployment.url, token) as client:
        runs = await asyncio.gather(*(client.submit(STEPS, {"rows": 3}) for _ in range(3)))
        ended = await asyncio.gather(*(client.wait(run, HANG_SECONDS, show="none") for run in runs))
        assert [run.check().outputs["word"] for run in ended] == ["hello"] * 3
        table = next(a for a in await client.artifacts(ended[0]) if a["output"] == "table")
        place = await client.download(table, tmp_path)
        assert place.read_text().count("\n") == 4
        assert len((await client.compare(*runs)).runs) == 3


def test_a_log_is_followed(client: Client, tmp_path: Path) -> None:
    """The step ends only after its first line was received, so the log is streamed while it
    runs."""
    gate = tmp_path / "gate"
    run = client.submit(TALK_AND_WAIT, {"gate": str(gate)}, caching=False)
    for now in client.watch(run, HANG_SECONDS):
        if now.tasks and now.tasks[0].state == "RUNNING":
            break
    chunks = []
    for chunk in client.follow_log(run, now.task("talk").task_id):
        chunks.append(chunk)
        gate.touch()
    assert chunks[0] == b"first\n"
    assert b"".join(chunks) == b"first\nlast\n"


def test_an_idempotency_key_makes_repeats_one_run(client: Client) -> None:
    key = fresh("key")
    first = client.submit(STEPS, idempotency_key=key)
    assert client.submit(STEPS, idempotency_key=key).run_id == first.run_id
    client.delete(first)
    until(lambda: first.run_id not in {run.run_id for run in client.runs(50)})
    with pytest.raises(ClientError) as caught:
        client.run(first)
    assert caught.value.code == "NOT_FOUND"


def test_cancel(client: Client) -> None:
    run = client.submit(SLEEP)
    with pytest.raises(TimeoutError):
        client.wait(run, 1, show="none")
    client.cancel(run)
    ended = client.wait(run, HANG_SECONDS, show="none")
    assert ended.state == "CANCELED"
    with pytest.raises(RunFailedError, match="is CANCELED"):
        ended.check()
    client.archive(run)
    assert client.run(run)["archived"]
    with pytest.raises(ClientError) as caught:
        client.pause(run)
    assert caught.value.code == "CONFLICT"


def test_retry(client: Client, tmp_path: Path) -> None:
    run = client.submit(FAIL_ONCE, {"mark": str(tmp_path / "mark")})
    assert client.wait(run, HANG_SECONDS, show="none").state == "FAILED"
    client.retry(run)
    ended = client.wait(run, HANG_SECONDS, show="none").check()
    assert ended.task("fail")["attempt"] == 2


def test_pipelines_and_versions(client: Client) -> None:
    name = fresh("client")
    pipeline = client.upload_pipeline(STEPS, name, description="by a test", tags={"of": name})
    with pytest.raises(ClientError) as caught:
        client.upload_pipeline(STEPS, name)
    assert caught.value.code == "CONFLICT"
    second = client.upload_version(name, SLEEP, "second")
    assert [one.name for one in client.versions(name)] == ["second", name]
    assert client.version(name)["document"]
    assert client.version(pipeline, "second") == client.version(name, second.pipeline_version_id)
    key = {"key": "tags.of", "operation": "EQUALS", "string_value": name}
    found = client.pipelines(filter={"predicates": [key]})
    assert [one.pipeline_id for one in found] == [pipeline.pipeline_id]
    first = client.version(name, name)
    assert client.wait(client.submit(first), HANG_SECONDS, show="none").succeeded
    newest = client.submit(pipeline)
    client.cancel(newest)
    client.delete_version(name, "second")
    with pytest.raises(ClientError) as caught:
        client.delete_pipeline(name)
    assert caught.value.code == "CONFLICT"
    client.delete_pipeline(name, cascade=True)
    with pytest.raises(ClientError):
        client.pipeline(name)


def test_experiments(client: Client) -> None:
    name = fresh("experiment")
    made = client.create_experiment(name, "by a test")
    assert client.experiment(name) == client.experiment(made.experiment_id)
    client.operate_experiment(name, "archive")
    assert name in {one.display_name for one in client.experiments(None, archived=True)}
    client.delete_experiment(made)
    with pytest.raises(ClientError, match="there is no experiment"):
        client.experiment(name)


def test_schedule(client: Client) -> None:
    end = datetime.now(UTC) + timedelta(hours=1)
    made = client.schedule(fresh("nightly"), SLEEP, cron="0 2 * * *", end_at=end, enabled=False)
    assert not client.switch_recurring(made, False).enabled
    edited = client.edit_recurring(made, {"trigger": {"interval_seconds": 600}})
    assert edited["trigger"]["interval_seconds"] == 600
    assert client.switch_recurring(made, True).next_at is not None
    assert len(client.next_moments(made, 3)) == 3
    assert made.recurring_run_id in {one.recurring_run_id for one in client.recurring_runs()}
    client.delete_recurring(made)
    with pytest.raises(ClientError):
        client.recurring(made)


def test_functions_are_submitted(client: Client) -> None:
    """A pipeline and a component are submitted as functions."""
    pytest.importorskip("headrace.dsl")
    source = files("headrace.cli") / "starter" / "pipeline.py.txt"
    with as_file(source) as path:
        loader = SourceFileLoader("starter_pipeline", str(path))
        spec = importlib.util.spec_from_loader("starter_pipeline", loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
    run = client.wait(
        client.submit(module.fit_a_line, {"rows": 20}), HANG_SECONDS, show="none"
    ).check()
    assert run.metrics["mean_absolute_error"] == run.outputs["Output"]
    made = client.wait(
        client.submit(module.make_data, {"rows": 3, "noise": 0.0}), HANG_SECONDS, show="none"
    )
    assert len(client.table(made.check().artifacts[0])) == 3
    stored = client.upload_pipeline(module.fit_a_line, fresh("fit"))
    client.delete_pipeline(stored, cascade=True)
