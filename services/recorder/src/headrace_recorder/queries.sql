-- append_history --
-- What happened, in the order in which it was heard.
INSERT INTO history (event_id, run_id, type, at, body)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[], $5::jsonb[])

-- lock_runs --
-- The runs of a batch, in one order.
SELECT run_id, version, state, coalesce(latest, state) AS latest, revision, submission, history,
    failure, outputs, archived, archived_at, deleted
FROM run WHERE run_id = ANY($1::uuid[]) ORDER BY run_id FOR UPDATE

-- read_tasks --
-- The tasks that a batch changes.
SELECT task_id, run_id, plan, state, attempt, rank, detail, inputs, inputs_attempt, outputs, failure,
    origin, fingerprint, log, log_text, log_attempt, created_at, started_at, finished_at
FROM task WHERE task_id = ANY($1::uuid[])

-- begin_runs --
-- Rows for runs of which nothing was known, so that they can be locked.
INSERT INTO run (run_id, state, revision, history, archived, deleted)
SELECT run_id, 'PENDING', 0, '{}', FALSE, FALSE FROM unnest($1::uuid[]) AS run_id ORDER BY run_id
ON CONFLICT DO NOTHING

-- update_runs --
-- The runs that changed; the version grows by one. What lists go by follows from the rest.
UPDATE run SET
    version = version + 1, state = new.state, revision = new.revision,
    submission = new.submission, history = new.history, failure = new.failure,
    outputs = new.outputs, archived = new.archived, archived_at = new.archived_at,
    deleted = new.deleted, latest = new.latest,
    namespace = new.submission ->> 'namespace',
    experiment_id = (new.submission ->> 'experiment_id')::uuid,
    recurring_run_id = (new.submission ->> 'recurring_run_id')::uuid,
    created_at = (new.submission ->> 'submitted_at')::timestamptz,
    display_name = coalesce(left(new.submission ->> 'display_name', 500), ''),
    description = coalesce(new.submission ->> 'description', ''),
    scheduled_at = coalesce(
        new.submission ->> 'scheduled_at', new.submission ->> 'submitted_at', 'epoch'
    )::timestamptz,
    pipeline_id = (new.submission -> 'pipeline' ->> 'pipeline_id')::uuid,
    pipeline_version_id = (new.submission -> 'pipeline' ->> 'pipeline_version_id')::uuid,
    pipeline_name = coalesce(left(new.submission -> 'pipeline' ->> 'name', 500), ''),
    finished_at = CASE WHEN new.state IN ('SUCCEEDED', 'FAILED', 'CANCELED')
        THEN (new.history -> new.revision::text ->> 1)::timestamptz ELSE 'epoch' END
FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::jsonb[], $5::jsonb[], $6::jsonb[],
    $7::jsonb[], $8::boolean[], $9::timestamptz[], $10::boolean[], $11::text[])
    AS new (run_id, state, revision, submission, history, failure, outputs, archived, archived_at,
        deleted, latest)
WHERE run.run_id = new.run_id
RETURNING run.run_id, version

-- with_open_tasks --
-- Those of these runs of which a task, apart from some, has not been heard to end.
SELECT DISTINCT run_id FROM task
WHERE run_id = ANY($1::uuid[]) AND task_id <> ALL($2::uuid[])
  AND (plan IS NULL OR state NOT IN ('SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELED'))

-- show_overdue --
-- Runs whose end waits for news of a task for too long: that news may have been set aside.
UPDATE run SET state = latest, version = version + 1,
    finished_at = (history -> revision::text ->> 1)::timestamptz
WHERE state <> latest
  AND (history -> revision::text ->> 1)::timestamptz < now() - $1::interval
RETURNING run_id, version, state

-- upsert_tasks --
-- The tasks that changed, with the version of their run.
INSERT INTO task (task_id, run_id, version, plan, state, attempt, rank, detail, inputs,
    inputs_attempt, outputs, failure, origin, fingerprint, log, log_attempt, created_at,
    started_at, finished_at, log_text, namespace)
SELECT new.*, run.namespace
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::jsonb[], $5::text[], $6::integer[],
    $7::double precision[], $8::text[], $9::jsonb[], $10::integer[], $11::jsonb[], $12::jsonb[],
    $13::jsonb[], $14::jsonb[], $15::text[], $16::integer[], $17::timestamptz[],
    $18::timestamptz[], $19::timestamptz[], $20::text[]) AS new (task_id, run_id)
JOIN run ON run.run_id = new.run_id
ON CONFLICT (task_id) DO UPDATE SET
    version = EXCLUDED.version, plan = EXCLUDED.plan, state = EXCLUDED.state,
    attempt = EXCLUDED.attempt, rank = EXCLUDED.rank, detail = EXCLUDED.detail,
    inputs = EXCLUDED.inputs, inputs_attempt = EXCLUDED.inputs_attempt,
    outputs = EXCLUDED.outputs, failure = EXCLUDED.failure, origin = EXCLUDED.origin,
    fingerprint = EXCLUDED.fingerprint, log = EXCLUDED.log, log_attempt = EXCLUDED.log_attempt,
    created_at = EXCLUDED.created_at, started_at = EXCLUDED.started_at,
    finished_at = EXCLUDED.finished_at, log_text = EXCLUDED.log_text,
    namespace = EXCLUDED.namespace

-- insert_artifacts --
-- What tasks made; one attempt's outputs count, so an artifact is written once.
INSERT INTO artifact (artifact_id, run_id, task_id, output, name, type, uri, metadata, created_at,
    namespace)
SELECT new.*, run.namespace
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[],
    $7::text[], $8::jsonb[], $9::timestamptz[]) AS new (artifact_id, run_id)
JOIN run ON run.run_id = new.run_id
ON CONFLICT DO NOTHING

-- insert_artifact_tasks --
-- Which task used which artifact as what, or has it among its outputs.
INSERT INTO artifact_task
SELECT md5(concat_ws('/', artifact_id, task_id, type, key))::uuid,
    artifact_id, run_id, task_id, type, key
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[])
    AS new (artifact_id, run_id, task_id, type, key)
ON CONFLICT DO NOTHING

-- upsert_metrics --
-- The numbers in metrics artifacts. Of a name that is there, that of the task told later counts.
INSERT INTO run_metric (run_id, name, value, told_at, task_id, namespace)
SELECT new.run_id, name, value, told_at, task_id, run.namespace
FROM unnest($1::uuid[], $2::text[], $3::double precision[], $4::timestamptz[], $5::uuid[])
    AS new (run_id, name, value, told_at, task_id)
JOIN run ON run.run_id = new.run_id
ON CONFLICT (run_id, name) DO UPDATE SET
    value = EXCLUDED.value, told_at = EXCLUDED.told_at, task_id = EXCLUDED.task_id
WHERE (EXCLUDED.told_at, EXCLUDED.task_id) > (run_metric.told_at, run_metric.task_id)

-- adopt --
-- Give what was heard of runs before their submission the namespace that this told.
WITH known AS (SELECT run_id, namespace FROM run WHERE run_id = ANY($1::uuid[])),
tasks AS (
    UPDATE task SET namespace = known.namespace FROM known
    WHERE task.run_id = known.run_id AND task.namespace IS NULL
),
artifacts AS (
    UPDATE artifact SET namespace = known.namespace FROM known
    WHERE artifact.run_id = known.run_id AND artifact.namespace IS NULL
)
UPDATE run_metric SET namespace = known.namespace FROM known
WHERE run_metric.run_id = known.run_id AND run_metric.namespace IS NULL

-- run_by_id --
-- One run that was heard to be submitted, if it is in one of the namespaces; NULL is all of them.
SELECT run_id, version, state, coalesce(latest, state) AS latest, revision, submission, history,
    failure, outputs, archived, archived_at, deleted
FROM run WHERE run_id = $1 AND submission IS NOT NULL AND NOT deleted
  AND ($2::text[] IS NULL OR namespace = ANY($2))

-- submissions --
-- As what some runs were submitted, also deleted ones, those in some namespaces; NULL is all of
-- them.
SELECT submission FROM run
WHERE run_id = ANY($1::uuid[]) AND submission IS NOT NULL
  AND ($2::text[] IS NULL OR namespace = ANY($2))

-- metrics_of_runs --
-- The numbers of some runs.
SELECT run_id, name, value FROM run_metric WHERE run_id = ANY($1::uuid[]) ORDER BY name

-- tasks_of_run --
-- The tasks of a run that have changed since a version of it; 0 is all of them.
SELECT task_id, run_id, plan, state, attempt, rank, detail, inputs, inputs_attempt, outputs, failure,
    origin, fingerprint, log, log_text, log_attempt, created_at, started_at, finished_at
FROM task WHERE run_id = $1 AND version > $2 AND plan IS NOT NULL

-- task_by_id --
-- One task, if it is in one of the namespaces; NULL is all of them.
SELECT task_id, run_id, plan, state, attempt, rank, detail, inputs, inputs_attempt, outputs, failure,
    origin, fingerprint, log, log_text, log_attempt, created_at, started_at, finished_at
FROM task WHERE task_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))

-- artifact_by_id --
-- One artifact, if it is in one of the namespaces; NULL is all of them.
SELECT artifact_id, namespace, run_id, task_id, output, name, type, uri, metadata, created_at
FROM artifact
WHERE artifact_id = $1 AND namespace IS NOT NULL AND ($2::text[] IS NULL OR namespace = ANY($2))

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
  AND run.namespace = $3 AND run.pipeline_name = left($4, 500) AND NOT run.deleted
ORDER BY task.created_at DESC LIMIT 50

-- delete_tasks --
-- The tasks of deleted runs: nothing stays but a mark in the table of runs.
DELETE FROM task WHERE run_id = ANY($1::uuid[])

-- places_of_runs --
-- Where lies what tasks of these runs made or used.
SELECT DISTINCT artifact.uri FROM artifact_task JOIN artifact USING (artifact_id)
WHERE artifact_task.run_id = ANY($1::uuid[])

-- places_in_use --
-- Where lies, between two URIs, what some task made or used.
SELECT DISTINCT uri FROM artifact
WHERE left(uri, 500) COLLATE "C" >= left($1::text, 500)
  AND left(uri, 500) COLLATE "C" < left($2::text, 500)
  AND EXISTS (SELECT FROM artifact_task WHERE artifact_task.artifact_id = artifact.artifact_id)

-- deleted_submissions --
-- As what those of some runs that are deleted were submitted.
SELECT submission FROM run WHERE run_id = ANY($1::uuid[]) AND submission IS NOT NULL AND deleted

-- delete_artifacts --
-- What tasks of deleted runs made, unless tasks of other runs made it theirs.
DELETE FROM artifact USING run
WHERE run.run_id = artifact.run_id AND run.deleted
  AND (artifact.run_id = ANY($1::uuid[]) OR artifact.uri = ANY($2::text[]))
  AND NOT EXISTS (SELECT FROM artifact_task WHERE artifact_task.artifact_id = artifact.artifact_id)

-- delete_artifact_tasks --
-- What tasks of deleted runs used and made.
DELETE FROM artifact_task WHERE run_id = ANY($1::uuid[])

-- delete_run_metrics --
-- The numbers of deleted runs.
DELETE FROM run_metric WHERE run_id = ANY($1::uuid[])

-- delete_uses --
-- What tasks of deleted runs used, as it was written before.
DELETE FROM artifact_use WHERE run_id = ANY($1::uuid[])

-- delete_metrics --
-- The numbers of deleted runs, as they were written before.
DELETE FROM metric WHERE run_id = ANY($1::uuid[])

-- delete_history --
-- What happened to deleted runs.
DELETE FROM history WHERE run_id = ANY($1::uuid[])
