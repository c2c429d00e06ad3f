-- lock_runs --
-- The runs that a batch is about, locked in one order so that two schedulers cannot deadlock. One
-- without a submission was deleted: what is still heard of it does not count.
SELECT run_id, version, submission IS NULL AS deleted
FROM run WHERE run_id = ANY($1::uuid[]) ORDER BY run_id FOR UPDATE

-- load_runs --
-- Runs that are not in memory.
SELECT run_id, state, header, deadline_at, submission FROM run
WHERE run_id = ANY($1::uuid[]) AND submission IS NOT NULL

-- load_tasks --
-- The tasks of these runs, but for those below a task that succeeded: its outputs are all that is
-- still needed of it.
SELECT task.* FROM task
LEFT JOIN task AS parent ON parent.task_id = task.parent_id
WHERE task.run_id = ANY($1::uuid[]) AND parent.state IS DISTINCT FROM 'SUCCEEDED'

-- load_all_tasks --
-- Every task of these runs.
SELECT * FROM task WHERE run_id = ANY($1::uuid[])

-- insert_run --
-- A run that was just submitted.
INSERT INTO run (run_id, namespace, pipeline, priority, state, header, submission)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- save_tasks --
-- The tasks that are new or have changed.
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
-- The runs that changed; the version tells a copy in memory that it is stale.
UPDATE run SET
    state = changed.state, header = changed.header, deadline_at = changed.deadline_at,
    version = run.version + 1, updated_at = now()
FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::timestamptz[])
    AS changed (run_id, state, header, deadline_at)
WHERE run.run_id = changed.run_id

-- silent_tasks --
-- Launched, and nothing heard for a while; asked about in pages, and counted as heard from now on.
UPDATE task SET heard_at = now()
WHERE task_id IN (
    SELECT task_id FROM task WHERE state = 'READY' AND heard_at < now() - $1::interval
    ORDER BY heard_at LIMIT 200 FOR UPDATE SKIP LOCKED
)
RETURNING run_id, task_id

-- due --
-- Tasks whose pause is over, and runs whose deadline has passed.
(SELECT task.run_id, task.task_id FROM task JOIN run USING (run_id)
    WHERE task.state = 'WAITING' AND task.due_at <= $1 AND run.state <> 'PAUSED'
    ORDER BY task.due_at LIMIT 500)
UNION ALL
(SELECT run_id, NULL FROM run
    WHERE state IN ('RUNNING', 'PAUSED') AND deadline_at <= $1 AND NOT (header ->> 'expired')::boolean
    ORDER BY deadline_at LIMIT 500)

-- find_cached --
-- Earlier executions of the pipeline with these fingerprints.
SELECT fingerprint, run_id, task_id, outputs FROM cache_entry
WHERE namespace = $1 AND pipeline = $2 AND fingerprint = ANY($3::text[])

-- find_reusable --
-- What the run may take over from the one that it runs anew.
SELECT path, fingerprint, from_run_id AS run_id, from_task_id AS task_id, outputs FROM reusable
WHERE run_id = $1 AND path = ANY($2::text[])

-- save_cache --
-- Outputs that later executions may take; the newest are kept.
INSERT INTO cache_entry (namespace, pipeline, fingerprint, run_id, task_id, outputs)
SELECT DISTINCT ON (new.namespace, new.pipeline, new.fingerprint) new.* FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::jsonb[]
) AS new (namespace, pipeline, fingerprint, run_id, task_id, outputs)
ON CONFLICT (namespace, pipeline, fingerprint) DO UPDATE SET
    run_id = EXCLUDED.run_id, task_id = EXCLUDED.task_id, outputs = EXCLUDED.outputs,
    created_at = now()

-- forget_cached --
-- Entries whose outputs are not in the object store any more.
DELETE FROM cache_entry
WHERE namespace = $1 AND pipeline = $2 AND fingerprint = ANY($3::text[])

-- insert_reusable --
-- What a new run may take over.
INSERT INTO reusable (run_id, path, fingerprint, from_run_id, from_task_id, outputs)
SELECT $1, path, fingerprint, $2, task_id, outputs
FROM unnest($3::text[], $4::text[], $5::uuid[], $6::jsonb[])
    AS taken (path, fingerprint, task_id, outputs)

-- lock_namespace --
-- Admissions to one namespace happen one after the other.
SELECT pg_advisory_xact_lock(hashtextextended('admission/' || $1, 0))

-- queued_runs --
-- The runs of a namespace that wait for their turn, in the order in which they go.
SELECT run_id, pipeline, submission -> 'limits' AS limits FROM run
WHERE namespace = $1 AND state = 'PENDING' AND submission IS NOT NULL
ORDER BY priority DESC, created_at, run_id LIMIT 500

-- active_runs --
-- How many runs of each pipeline are active.
SELECT pipeline, count(*) AS runs FROM run
WHERE namespace = $1 AND state IN ('RUNNING', 'PAUSED', 'CANCELING') GROUP BY pipeline

-- delete_tasks --
-- The tasks of a run that was deleted.
DELETE FROM task WHERE run_id = $1

-- delete_run --
-- A run that was deleted leaves a mark, so that what is still heard of it is known for that.
INSERT INTO run (run_id, namespace, pipeline, priority, state, header)
VALUES ($1, '', '', 0, 'DELETED', '{}')
ON CONFLICT (run_id) DO UPDATE SET
    state = 'DELETED', header = '{}', submission = NULL, deadline_at = NULL,
    version = run.version + 1, updated_at = now()

-- purge_deleted --
-- Marks that are older than anything the bus can deliver.
DELETE FROM run WHERE submission IS NULL AND updated_at < now() - $1::interval
