"""Rows that an older version has written are listed like new ones."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from headrace_runtime.pg import migrate as migrations

from tests.support.postgres import postgres
from tests.support.submissions import AT, submitted

RUN, TASK, ARTIFACT = UUID(int=11), UUID(int=12), UUID(int=13)


async def test_rows_of_an_older_schema_are_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    every = migrations._migrations
    with postgres() as addresses:
        connection = await asyncpg.connect(
            addresses["recorder"], server_settings={"search_path": "recorder"}
        )
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=lambda v: orjson.dumps(v).decode(),
            decoder=orjson.loads, format="text",
        )  # fmt: skip
        monkeypatch.setattr(migrations, "_migrations", lambda package: every(package)[:2])
        await migrations.migrate(connection, "headrace_recorder")
        await _write_as_before(connection)
        monkeypatch.setattr(migrations, "_migrations", every)
        await migrations.migrate(connection, "headrace_recorder")
        run = await connection.fetchrow("SELECT * FROM run WHERE run_id = $1", RUN)
        assert (run["display_name"], run["description"]) == ("x" * 500, "why")
        assert (run["pipeline_name"], run["scheduled_at"]) == ("graph", AT)
        assert run["finished_at"] == AT.replace(hour=9)
        open_run = await connection.fetchrow("SELECT * FROM run WHERE run_id = $1", UUID(int=14))
        assert open_run["finished_at"].timestamp() == 0
        assert await connection.fetch("SELECT namespace, state, amount FROM run_count") == [
            ("default", "SUCCEEDED", 1)
        ]
        assert await connection.fetchval("SELECT namespace FROM task") == "default"
        assert await connection.fetchval("SELECT namespace FROM artifact") == "default"
        assert await connection.fetch(
            "SELECT type, key FROM artifact_task ORDER BY type"
        ) == [("INPUT", "data"), ("OUTPUT", "out")]  # fmt: skip
        assert await connection.fetch("SELECT name, value, namespace FROM run_metric") == [
            ("accuracy", 0.5, "default")
        ]
        await connection.close()


async def _write_as_before(connection: Any) -> None:
    submission = submitted(RUN, display_name="x" * 600, description="why").model_dump(mode="json")
    history = {"0": ["PENDING", AT.isoformat()], "1": ["SUCCEEDED", AT.replace(hour=9).isoformat()]}
    await connection.execute(
        """
        INSERT INTO run (run_id, namespace, experiment_id, created_at, state, revision, submission,
            history, archived, deleted)
        VALUES ($1, 'default', $2, $3, 'SUCCEEDED', 1, $4, $5, FALSE, FALSE)
        """,
        RUN, UUID(int=1), AT, submission, history,
    )  # fmt: skip
    await connection.execute(
        """
        INSERT INTO run (run_id, state, revision, history, archived, deleted)
        VALUES ($1, 'RUNNING', 1, '{}', FALSE, FALSE)
        """,
        UUID(int=14),
    )
    await connection.execute(
        """
        INSERT INTO task (task_id, run_id, version, state, attempt, rank, inputs_attempt,
            log_attempt, finished_at)
        VALUES ($1, $2, 1, 'SUCCEEDED', 1, 9, 1, 1, $3)
        """,
        TASK, RUN, AT,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO artifact VALUES ($1, $2, $3, 'out', 'm', NULL, 's3://x', '{}', $4)",
        ARTIFACT, RUN, TASK, AT,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO artifact_use VALUES ($1, $2, $3, 'data')", RUN, TASK, ARTIFACT
    )
    await connection.execute(
        "INSERT INTO metric VALUES ($1, $2, 'accuracy', 0.5), ($1, $3, 'accuracy', 0.1)",
        RUN, TASK, UUID(int=99),
    )  # fmt: skip
