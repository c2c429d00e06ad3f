-- lock_runs --
-- The runs of a batch, locked in the order of their ids so that transactions cannot deadlock.
SELECT run_id, version, state, coalesce(latest, state) AS latest, revision, submission, history,
    failure, outputs, archived, archived_at, deleted
FROM run WHERE run_id = ANY($1::uuid[]) ORDER BY run_id FOR UPDATE

-- read_tasks --
-- The tasks that a batch changes.
SELECT task_id, run_id, plan, state, attempt, rank, detail, inputs, inputs_attempt, outputs, failure,
    origin, fingerprint, log, log_text, place, log_attempt, created_at, started_at, finished_at
FROM task WHERE task_id = ANY($1::uuid[])

-- insert_empty_runs --
-- Rows for runs that have none yet, so that they can be locked.
INSERT INTO run (run_id, state, revision, history, archived, deleted)
SELECT run_id, 'PENDING', 0, '{}', FALSE, FALSE FROM unnest($1::uuid[]) AS run_id ORDER BY run_id
ON CONFLICT DO NOTHING

-- update_runs --
-- Changed runs; increments their versions. Columns for filters and sorting are derived here.
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

-- upsert_tasks --
-- Changed tasks, each with the version of its run.
INSERT INTO task (task_id, run_id, version, plan, state, attempt, rank, detail, inputs,
    inputs_attempt, outputs, failure, origin, fingerprint, log, log_attempt, created_at,
    started_at, finished_at, log_text, place, namespace)
SELECT new.*, run.namespace
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::jsonb[], $5::text[], $6::integer[],
    $7::double precision[], $8::text[], $9::jsonb[], $10::integer[], $11::jsonb[], $12::jsonb[],
    $13::jsonb[], $14::jsonb[], $15::text[], $16::integer[], $17::timestamptz[],
    $18::timestamptz[], $19::timestamptz[], $20::text[], $21::text[]) AS new (task_id, run_id)
JOIN run ON run.run_id = new.run_id
ON CONFLICT (task_id) DO UPDATE SET
    version = EXCLUDED.version, plan = EXCLUDED.plan, state = EXCLUDED.state,
    attempt = EXCLUDED.attempt, rank = EXCLUDED.rank, detail = EXCLUDED.detail,
    inputs = EXCLUDED.inputs, inputs_attempt = EXCLUDED.inputs_attempt,
    outputs = EXCLUDED.outputs, failure = EXCLUDED.failure, origin = EXCLUDED.origin,
    fingerprint = EXCLUDED.fingerprint, log = EXCLUDED.log, log_attempt = EXCLUDED.log_attempt,
    created_at = EXCLUDED.created_at, started_at = EXCLUDED.started_at,
    finished_at = EXCLUDED.finished_at, log_text = EXCLUDED.log_text, place = EXCLUDED.place,
    namespace = EXCLUDED.namespace

-- runs_with_open_tasks --
-- Those of the runs that have an unfinished task other than the ignored ones.
SELECT DISTINCT run_id FROM task
WHERE run_id = ANY($1::uuid[]) AND task_id <> ALL($2::uuid[])
  AND (plan IS NULL OR state NOT IN ('SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELED'))

-- show_overdue_ends --
-- Show as ended the runs whose end has waited too long for a task event, which may be in the dead
-- letter queue.
UPDATE run SET state = latest, version = version + 1,
    finished_at = (history -> revision::text ->> 1)::timestamptz
WHERE state <> latest
  AND (history -> revision::text ->> 1)::timestamptz < now() - $1::interval
RETURNING run_id, version, state

-- run_by_id --
-- A submitted run, if it is in one of the namespaces (NULL: in any).
SELECT run_id, version, state, coalesce(latest, state) AS latest, revision, submission, history,
    failure, outputs, archived, archived_at, deleted
FROM run WHERE run_id = $1 AND submission IS NOT NULL AND NOT deleted
  AND ($2::text[] IS NULL OR namespace = ANY($2))

-- submissions --
-- The submissions of runs, deleted ones included, in some namespaces (NULL: in any).
SELECT submission FROM run
WHERE run_id = ANY($1::uuid[]) AND submission IS NOT NULL
  AND ($2::text[] IS NULL OR namespace = ANY($2))

-- tasks_of_run --
-- The tasks of a run that changed after a version of it; 0 gives all.
SELECT task_id, run_id, plan, state, attempt, rank, detail, inputs, inputs_attempt, outputs, failure,
    origin, fingerprint, log, log_text, place, log_attempt, created_at, started_at, finished_at
FROM task WHERE run_id = $1 AND version > $2 AND plan IS NOT NULL

-- task_by_id --
-- A task, if it is in one of the namespaces (NULL: in any).
SELECT task_id, run_id, plan, state, attempt, rank, detail, inputs, inputs_attempt, outputs, failure,
    origin, fingerprint, log, log_text, place, log_attempt, created_at, started_at, finished_at
FROM task WHERE task_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))
