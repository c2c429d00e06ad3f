-- lock_runs --
-- The runs of a batch, locked in the order of their ids so that transactions cannot deadlock. A run
-- without a submission was deleted: later events about it are ignored.
SELECT run_id, version, submission IS NULL AS deleted
FROM run WHERE run_id = ANY($1::uuid[]) ORDER BY run_id FOR UPDATE

-- load_runs --
-- Runs that are not in memory, except deleted ones.
SELECT run_id, state, header, deadline_at, submission FROM run
WHERE run_id = ANY($1::uuid[]) AND submission IS NOT NULL

-- load_tasks --
-- The tasks of these runs, except those inside a task that succeeded: of that one, only the outputs
-- are still needed.
SELECT task.* FROM task
LEFT JOIN task AS parent ON parent.task_id = task.parent_id
WHERE task.run_id = ANY($1::uuid[]) AND parent.state IS DISTINCT FROM 'SUCCEEDED'

-- load_all_tasks --
-- Every task of these runs.
SELECT * FROM task WHERE run_id = ANY($1::uuid[])

-- insert_run --
-- A new run.
INSERT INTO run (run_id, namespace, pipeline, priority, state, header, submission)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING

-- save_tasks --
-- New and changed tasks.
INSERT INTO task (task_id, run_id, parent_id, path, name, iteration, state, attempt, retries, lost,
    due_at, unreached, inputs, outputs, failure, fingerprint)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::integer[],
    $7::text[], $8::integer[], $9::integer[], $10::integer[], $11::timestamptz[], $12::boolean[],
    $13::jsonb[], $14::jsonb[], $15::jsonb[], $16::text[])
ON CONFLICT (task_id) DO UPDATE SET
    state = EXCLUDED.state, attempt = EXCLUDED.attempt, retries = EXCLUDED.retries,
    lost = EXCLUDED.lost, due_at = EXCLUDED.due_at, unreached = EXCLUDED.unreached,
    inputs = EXCLUDED.inputs, outputs = EXCLUDED.outputs, failure = EXCLUDED.failure,
    fingerprint = EXCLUDED.fingerprint, heard_at = now()

-- save_runs --
-- Changed runs; the version shows that a copy in memory is out of date.
UPDATE run SET
    state = changed.state, header = changed.header, deadline_at = changed.deadline_at,
    version = run.version + 1, updated_at = now()
FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::timestamptz[])
    AS changed (run_id, state, header, deadline_at)
WHERE run.run_id = changed.run_id

-- silent_tasks --
-- Launched tasks without events for a while, up to 200 of them; their wait starts from zero.
UPDATE task SET heard_at = now()
WHERE task_id IN (
    SELECT task_id FROM task WHERE state = 'READY' AND heard_at < now() - $1::interval
    ORDER BY heard_at LIMIT 200 FOR UPDATE SKIP LOCKED
)
RETURNING run_id, task_id

-- due --
-- Tasks whose pause is over, and runs whose deadline has passed, except those of some runs.
(SELECT task.run_id, task.task_id FROM task JOIN run USING (run_id)
    WHERE task.state = 'WAITING' AND task.due_at <= $1 AND run.state <> 'PAUSED'
        AND task.run_id <> ALL($2::uuid[])
    ORDER BY task.due_at LIMIT 500)
UNION ALL
(SELECT run_id, NULL FROM run
    WHERE state IN ('RUNNING', 'PAUSED') AND deadline_at <= $1 AND NOT (header ->> 'expired')::boolean
        AND run_id <> ALL($2::uuid[])
    ORDER BY deadline_at LIMIT 500)

-- find_cached --
-- Earlier executions of the pipeline with these fingerprints.
SELECT fingerprint, run_id, task_id, outputs FROM cache_entry
WHERE namespace = $1 AND pipeline = $2 AND fingerprint = ANY($3::text[])

-- find_reusable --
-- The outputs that a rerun may take from the earlier run.
SELECT path, fingerprint, from_run_id AS run_id, from_task_id AS task_id, outputs FROM reusable
WHERE run_id = $1 AND path = ANY($2::text[])

-- save_cache --
-- Outputs that later executions may take; newer ones replace older ones.
INSERT INTO cache_entry (namespace, pipeline, fingerprint, run_id, task_id, outputs)
SELECT DISTINCT ON (new.namespace, new.pipeline, new.fingerprint) new.* FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::jsonb[]
) AS new (namespace, pipeline, fingerprint, run_id, task_id, outputs)
ON CONFLICT (namespace, pipeline, fingerprint) DO UPDATE SET
    run_id = EXCLUDED.run_id, task_id = EXCLUDED.task_id, outputs = EXCLUDED.outputs,
    created_at = now()

-- delete_cached --
-- Entries whose outputs no longer exist, unless they were replaced meanwhile.
DELETE FROM cache_entry USING unnest($3::text[], $4::uuid[]) AS missing (fingerprint, task_id)
WHERE namespace = $1 AND pipeline = $2
  AND cache_entry.fingerprint = missing.fingerprint AND cache_entry.task_id = missing.task_id

-- stalled_lookups --
-- Tasks that have waited for the answer to a lookup for a while: the process that verifies it may
-- have crashed.
SELECT run_id, task_id FROM task
WHERE state = 'PENDING' AND fingerprint IS NOT NULL AND heard_at < now() - $1::interval
ORDER BY heard_at LIMIT 1000

-- insert_reusable --
-- The outputs that a new rerun may take.
INSERT INTO reusable (run_id, path, fingerprint, from_run_id, from_task_id, outputs)
SELECT $1, path, fingerprint, $2, task_id, outputs
FROM unnest($3::text[], $4::text[], $5::uuid[], $6::jsonb[])
    AS taken (path, fingerprint, task_id, outputs)

-- lock_namespace --
-- Serializes the admissions of a namespace.
SELECT pg_advisory_xact_lock(hashtextextended('admission/' || $1, 0))

-- queued_runs --
-- The queued runs of a namespace, in the order of admission.
SELECT run_id, pipeline, submission -> 'limits' AS limits FROM run
WHERE namespace = $1 AND state = 'PENDING' AND submission IS NOT NULL
ORDER BY priority DESC, created_at, run_id LIMIT 500

-- queued_namespaces --
-- The namespaces that have queued runs.
SELECT DISTINCT namespace FROM run WHERE state = 'PENDING' AND submission IS NOT NULL

-- active_runs --
-- The number of active runs by pipeline.
SELECT pipeline, count(*) AS runs FROM run
WHERE namespace = $1 AND state IN ('RUNNING', 'PAUSED', 'CANCELING') GROUP BY pipeline

-- delete_tasks --
-- The tasks of a deleted run.
DELETE FROM task WHERE run_id = $1 RETURNING task_id, attempt, state

-- delete_run --
-- Mark a run as deleted, so that later events about it are recognized.
INSERT INTO run (run_id, namespace, pipeline, priority, state, header)
VALUES ($1, '', '', 0, 'DELETED', '{}')
ON CONFLICT (run_id) DO UPDATE SET
    state = 'DELETED', header = '{}', submission = NULL, deadline_at = NULL,
    version = run.version + 1, updated_at = now()

-- purge_deleted --
-- Marks of deleted runs that are older than any event the bus can deliver.
DELETE FROM run WHERE submission IS NULL AND updated_at < now() - $1::interval
