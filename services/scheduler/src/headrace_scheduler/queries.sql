-- lock_runs --
-- The runs that a batch is about, locked in one order so that two schedulers cannot deadlock.
SELECT run_id, version FROM run WHERE run_id = ANY($1::uuid[]) ORDER BY run_id FOR UPDATE

-- load_runs --
-- Whole runs, for those that are not in memory.
SELECT run_id, state, submission, failure, cancel_reason FROM run WHERE run_id = ANY($1::uuid[])

-- load_tasks --
-- All tasks of these runs.
SELECT run_id, task_id, name, state, attempt, lost, outputs, failure
FROM task WHERE run_id = ANY($1::uuid[])

-- insert_runs --
-- Runs that were just submitted.
INSERT INTO run (run_id, state, submission)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[])

-- insert_tasks --
-- All tasks of runs that were just submitted.
INSERT INTO task (run_id, task_id, name, state, attempt, lost, outputs, failure)
SELECT * FROM unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::integer[], $6::integer[], $7::jsonb[],
    $8::jsonb[]
)

-- update_tasks --
-- The tasks that changed.
UPDATE task SET
    state = changed.state, attempt = changed.attempt, lost = changed.lost,
    outputs = changed.outputs, failure = changed.failure, heard_at = now()
FROM unnest(
    $1::uuid[], $2::text[], $3::integer[], $4::integer[], $5::jsonb[], $6::jsonb[]
) AS changed (task_id, state, attempt, lost, outputs, failure)
WHERE task.task_id = changed.task_id

-- update_runs --
-- The runs that changed; the version tells a copy in memory that it is stale.
UPDATE run SET
    state = changed.state, failure = changed.failure, cancel_reason = changed.cancel_reason,
    version = run.version + 1, updated_at = now()
FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::text[])
    AS changed (run_id, state, failure, cancel_reason)
WHERE run.run_id = changed.run_id

-- silent_tasks --
-- Launched, and nothing heard for a while; asked about in pages, and counted as heard from now on.
UPDATE task SET heard_at = now()
WHERE task_id IN (
    SELECT task_id FROM task WHERE state = 'READY' AND heard_at < now() - $1::interval
    ORDER BY heard_at LIMIT 200 FOR UPDATE SKIP LOCKED
)
RETURNING run_id, task_id
