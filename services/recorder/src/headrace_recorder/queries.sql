-- append_history --
-- What happened, in the order in which it was heard.
INSERT INTO history (event_id, run_id, type, at, body)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[], $5::jsonb[])

-- lock_runs --
-- The runs of a batch, in one order.
SELECT run_id, version, state, coalesce(latest, state) AS latest, revision, submission, history, failure, outputs, archived, archived_at,
    deleted
FROM run WHERE run_id = ANY($1::uuid[]) ORDER BY run_id FOR UPDATE

-- read_tasks --
-- The tasks that a batch changes.
SELECT task_id, run_id, plan, state, attempt, rank, detail, inputs, inputs_attempt, outputs, failure,
    origin, fingerprint, log, log_text, log_attempt, created_at, started_at, finished_at
FROM task WHERE task_id = ANY($1::uuid[])

-- upsert_runs --
-- The runs that changed; the version grows by one.
INSERT INTO run (run_id, namespace, experiment_id, recurring_run_id, created_at, state, revision,
    submission, history, failure, outputs, archived, archived_at, deleted, latest)
SELECT run_id, submission ->> 'namespace', (submission ->> 'experiment_id')::uuid,
    (submission ->> 'recurring_run_id')::uuid, (submission ->> 'submitted_at')::timestamptz, state,
    revision, submission, history, failure, outputs, archived, archived_at, deleted, latest
FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::jsonb[], $5::jsonb[], $6::jsonb[],
    $7::jsonb[], $8::boolean[], $9::timestamptz[], $10::boolean[], $11::text[])
    AS new (run_id, state, revision, submission, history, failure, outputs, archived, archived_at,
        deleted, latest)
ON CONFLICT (run_id) DO UPDATE SET
    namespace = EXCLUDED.namespace, experiment_id = EXCLUDED.experiment_id,
    recurring_run_id = EXCLUDED.recurring_run_id, created_at = EXCLUDED.created_at,
    state = EXCLUDED.state, revision = EXCLUDED.revision, submission = EXCLUDED.submission,
    history = EXCLUDED.history, failure = EXCLUDED.failure, outputs = EXCLUDED.outputs,
    archived = EXCLUDED.archived, archived_at = EXCLUDED.archived_at, deleted = EXCLUDED.deleted,
    latest = EXCLUDED.latest, version = run.version + 1
RETURNING run_id, version

-- with_open_tasks --
-- Those of these runs of which a task, apart from some, has not been heard to end.
SELECT DISTINCT run_id FROM task
WHERE run_id = ANY($1::uuid[]) AND task_id <> ALL($2::uuid[])
  AND (plan IS NULL OR state NOT IN ('SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELED'))

-- show_overdue --
-- Runs whose end waits for news of a task for too long: that news may have been set aside.
UPDATE run SET state = latest, version = version + 1
WHERE state <> latest
  AND (history -> revision::text ->> 1)::timestamptz < now() - $1::interval
RETURNING run_id, version, state

-- upsert_tasks --
-- The tasks that changed, with the version of their run.
INSERT INTO task (task_id, run_id, version, plan, state, attempt, rank, detail, inputs,
    inputs_attempt, outputs, failure, origin, fingerprint, log, log_attempt, created_at,
    started_at, finished_at, log_text)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::jsonb[], $5::text[], $6::integer[],
    $7::double precision[], $8::text[], $9::jsonb[], $10::integer[], $11::jsonb[], $12::jsonb[],
    $13::jsonb[], $14::jsonb[], $15::text[], $16::integer[], $17::timestamptz[],
    $18::timestamptz[], $19::timestamptz[], $20::text[])
ON CONFLICT (task_id) DO UPDATE SET
    version = EXCLUDED.version, plan = EXCLUDED.plan, state = EXCLUDED.state,
    attempt = EXCLUDED.attempt, rank = EXCLUDED.rank, detail = EXCLUDED.detail,
    inputs = EXCLUDED.inputs, inputs_attempt = EXCLUDED.inputs_attempt,
    outputs = EXCLUDED.outputs, failure = EXCLUDED.failure, origin = EXCLUDED.origin,
    fingerprint = EXCLUDED.fingerprint, log = EXCLUDED.log, log_attempt = EXCLUDED.log_attempt,
    created_at = EXCLUDED.created_at, started_at = EXCLUDED.started_at,
    finished_at = EXCLUDED.finished_at, log_text = EXCLUDED.log_text

-- insert_artifacts --
-- What tasks made; one attempt's outputs count, so an artifact is written once.
INSERT INTO artifact (artifact_id, run_id, task_id, output, name, type, uri, metadata, created_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[],
    $7::text[], $8::jsonb[], $9::timestamptz[])
ON CONFLICT DO NOTHING

-- insert_uses --
-- Which task used which artifact as what.
INSERT INTO artifact_use (run_id, task_id, artifact_id, input)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[])
ON CONFLICT DO NOTHING

-- insert_metrics --
-- The numbers in metrics artifacts.
INSERT INTO metric (run_id, task_id, name, value)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::double precision[])
ON CONFLICT DO NOTHING

-- run_by_id --
-- One run that was heard to be submitted.
SELECT run_id, version, state, coalesce(latest, state) AS latest, revision, submission, history, failure, outputs, archived, archived_at,
    deleted
FROM run WHERE run_id = $1 AND submission IS NOT NULL AND NOT deleted

-- runs --
-- A page, newest first, after the run of this moment and id.
SELECT run_id, version, state, coalesce(latest, state) AS latest, revision, submission, history, failure, outputs, archived, archived_at,
    deleted
FROM run
WHERE submission IS NOT NULL AND NOT deleted
  AND ($1::text IS NULL OR namespace = $1)
  AND ($2::uuid IS NULL OR experiment_id = $2)
  AND ($3::text IS NULL OR state = $3)
  AND ($4::boolean IS NULL OR archived = $4)
  AND ($5::uuid IS NULL OR recurring_run_id = $5)
  AND ($6::timestamptz IS NULL OR (created_at, run_id) < ($6, $7::uuid))
ORDER BY created_at DESC, run_id DESC LIMIT $8

-- count_runs --
-- How many runs the list has in all.
SELECT count(*) FROM run
WHERE submission IS NOT NULL AND NOT deleted
  AND ($1::text IS NULL OR namespace = $1)
  AND ($2::uuid IS NULL OR experiment_id = $2)
  AND ($3::text IS NULL OR state = $3)
  AND ($4::boolean IS NULL OR archived = $4)
  AND ($5::uuid IS NULL OR recurring_run_id = $5)

-- tasks_of_run --
-- The tasks of a run that have changed since a version of it; 0 is all of them.
SELECT task_id, run_id, plan, state, attempt, rank, detail, inputs, inputs_attempt, outputs, failure,
    origin, fingerprint, log, log_text, log_attempt, created_at, started_at, finished_at
FROM task WHERE run_id = $1 AND version > $2 AND plan IS NOT NULL

-- task_by_id --
-- One task of a run.
SELECT task_id, run_id, plan, state, attempt, rank, detail, inputs, inputs_attempt, outputs, failure,
    origin, fingerprint, log, log_text, log_attempt, created_at, started_at, finished_at
FROM task WHERE run_id = $1 AND task_id = $2

-- history_of_run --
-- What happened to a run, after a place in the record.
SELECT seq, event_id, type, at, body FROM history
WHERE run_id = $1 AND seq > $2 ORDER BY seq LIMIT $3

-- earlier_executions --
-- The latest executions of a component in a pipeline, but for one task, with what their cache
-- entries were made of.
SELECT task.run_id, task.task_id, task.created_at, task.fingerprint
FROM task JOIN run USING (run_id)
WHERE task.plan ->> 'component' = $1 AND task.fingerprint IS NOT NULL AND task.task_id <> $2
  AND run.namespace = $3 AND run.submission -> 'pipeline' ->> 'name' = $4 AND NOT run.deleted
ORDER BY task.created_at DESC LIMIT 50

-- delete_tasks --
-- The tasks of deleted runs: nothing stays but a mark in the table of runs.
DELETE FROM task WHERE run_id = ANY($1::uuid[])

-- delete_artifacts --
-- What tasks of deleted runs made.
DELETE FROM artifact WHERE run_id = ANY($1::uuid[])

-- delete_uses --
-- What tasks of deleted runs used.
DELETE FROM artifact_use WHERE run_id = ANY($1::uuid[])

-- delete_metrics --
-- The numbers of deleted runs.
DELETE FROM metric WHERE run_id = ANY($1::uuid[])

-- delete_history --
-- What happened to deleted runs.
DELETE FROM history WHERE run_id = ANY($1::uuid[])
