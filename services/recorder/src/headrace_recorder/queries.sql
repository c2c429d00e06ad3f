-- append_history --
-- What happened, in the order in which it was heard.
INSERT INTO history (event_id, run_id, type, at, body)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[], $5::jsonb[])

-- lock_runs --
-- The runs of a batch, in one order.
SELECT run_id, version, state, submission, history, failure, outputs
FROM run WHERE run_id = ANY($1::uuid[]) ORDER BY run_id FOR UPDATE

-- read_tasks --
-- The tasks that a batch changes.
SELECT task_id, run_id, plan, position, state, attempt, rank, detail, inputs, outputs, failure,
    log, log_attempt, created_at, started_at, finished_at
FROM task WHERE task_id = ANY($1::uuid[])

-- upsert_runs --
-- The runs that changed; the version grows by one.
INSERT INTO run (run_id, namespace, experiment_id, created_at, state, submission, history, failure,
    outputs)
SELECT run_id, submission ->> 'namespace', (submission ->> 'experiment_id')::uuid,
    (submission ->> 'submitted_at')::timestamptz, state, submission, history, failure, outputs
FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::jsonb[], $5::jsonb[], $6::jsonb[])
    AS new (run_id, state, submission, history, failure, outputs)
ON CONFLICT (run_id) DO UPDATE SET
    namespace = EXCLUDED.namespace, experiment_id = EXCLUDED.experiment_id,
    created_at = EXCLUDED.created_at, state = EXCLUDED.state, submission = EXCLUDED.submission,
    history = EXCLUDED.history, failure = EXCLUDED.failure, outputs = EXCLUDED.outputs,
    version = run.version + 1
RETURNING run_id, version

-- upsert_tasks --
-- The tasks that changed, with the version of their run.
INSERT INTO task (task_id, run_id, version, position, state, attempt, rank, plan, detail, inputs,
    outputs, failure, log, log_attempt, created_at, started_at, finished_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::integer[], $5::text[],
    $6::integer[], $7::double precision[], $8::jsonb[], $9::text[], $10::jsonb[], $11::jsonb[],
    $12::jsonb[], $13::text[], $14::integer[], $15::timestamptz[], $16::timestamptz[],
    $17::timestamptz[])
ON CONFLICT (task_id) DO UPDATE SET
    version = EXCLUDED.version, position = EXCLUDED.position, state = EXCLUDED.state,
    attempt = EXCLUDED.attempt, rank = EXCLUDED.rank, plan = EXCLUDED.plan,
    detail = EXCLUDED.detail, inputs = EXCLUDED.inputs, outputs = EXCLUDED.outputs,
    failure = EXCLUDED.failure, log = EXCLUDED.log, log_attempt = EXCLUDED.log_attempt,
    created_at = EXCLUDED.created_at, started_at = EXCLUDED.started_at,
    finished_at = EXCLUDED.finished_at

-- insert_artifacts --
-- What tasks made; one attempt's outputs count, so an artifact is written once.
INSERT INTO artifact (artifact_id, run_id, task_id, output, name, type, uri, metadata, created_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[],
    $7::text[], $8::jsonb[], $9::timestamptz[])
ON CONFLICT DO NOTHING

-- insert_uses --
-- Which task used which artifact as what.
INSERT INTO artifact_use (task_id, artifact_id, input)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[])
ON CONFLICT DO NOTHING

-- insert_metrics --
-- The numbers in metrics artifacts.
INSERT INTO metric (run_id, task_id, name, value)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::double precision[])
ON CONFLICT DO NOTHING

-- run_by_id --
-- One run that was heard to be submitted.
SELECT run_id, version, state, submission, history, failure, outputs
FROM run WHERE run_id = $1 AND submission IS NOT NULL

-- runs --
-- A page, newest first, after the run of this moment and id.
SELECT run_id, version, state, submission, history, failure, outputs
FROM run
WHERE submission IS NOT NULL
  AND ($1::text IS NULL OR namespace = $1)
  AND ($2::uuid IS NULL OR experiment_id = $2)
  AND ($3::text IS NULL OR state = $3)
  AND ($4::timestamptz IS NULL OR (created_at, run_id) < ($4, $5::uuid))
ORDER BY created_at DESC, run_id DESC LIMIT $6

-- count_runs --
-- How many runs the list has in all.
SELECT count(*) FROM run
WHERE submission IS NOT NULL
  AND ($1::text IS NULL OR namespace = $1)
  AND ($2::uuid IS NULL OR experiment_id = $2)
  AND ($3::text IS NULL OR state = $3)

-- tasks_of_run --
-- All tasks of a run, in the order of its graph.
SELECT task_id, run_id, plan, position, state, attempt, rank, detail, inputs, outputs, failure,
    log, log_attempt, created_at, started_at, finished_at
FROM task WHERE run_id = $1 AND plan IS NOT NULL ORDER BY position

-- task_by_id --
-- One task of a run.
SELECT task_id, run_id, plan, position, state, attempt, rank, detail, inputs, outputs, failure,
    log, log_attempt, created_at, started_at, finished_at
FROM task WHERE run_id = $1 AND task_id = $2

-- history_of_run --
-- What happened to a run, after a place in the record.
SELECT seq, event_id, type, at, body FROM history
WHERE run_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
