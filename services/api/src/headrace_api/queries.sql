-- spec_known --
-- Whether a spec is in the object store.
SELECT bytes FROM spec WHERE digest = $1

-- insert_spec --
-- The object store has this spec.
INSERT INTO spec (digest, bytes) VALUES ($1, $2) ON CONFLICT DO NOTHING

-- insert_run --
-- A run, unless one with this key is there: the second of two requests waits here for the first.
INSERT INTO run
    (run_id, namespace, submission, idempotency_key, request_digest, recurring_run_id)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
RETURNING run_id

-- run_by_key --
-- The run that a key led to.
SELECT submission, request_digest FROM run WHERE namespace = $1 AND idempotency_key = $2

-- run_by_id --
-- One run, if it is in one of these namespaces, and how it stands.
SELECT submission, state, state_revision, archived_at FROM run
WHERE run_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))

-- lock_run --
-- The same, for a change of it.
SELECT submission, state, state_revision, archived_at FROM run
WHERE run_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))
FOR UPDATE

-- set_run_states --
-- The newest of what was heard of each run; what is older than what is known comes too late.
UPDATE run SET state = heard.state, state_revision = heard.revision, ended_at = heard.ended_at
FROM (
    SELECT DISTINCT ON (run_id) * FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::timestamptz[])
        AS given (run_id, state, revision, ended_at)
    ORDER BY run_id, revision DESC
) AS heard
WHERE run.run_id = heard.run_id AND heard.revision >= run.state_revision

-- set_archived --
-- In sight with NULL, else out of sight since then.
UPDATE run SET archived_at = $2 WHERE run_id = $1

-- delete_run --
-- The api forgets the run, its idempotency key included.
DELETE FROM run WHERE run_id = $1

-- runs_to_archive --
-- Ended before a moment and still in sight; what another replica has in hand is left to it.
SELECT run_id FROM run WHERE ended_at < $1 AND archived_at IS NULL
ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED

-- runs_to_delete --
-- Archived before a moment, and ended.
SELECT run_id FROM run WHERE archived_at < $1 AND ended_at IS NOT NULL
ORDER BY archived_at LIMIT $2 FOR UPDATE SKIP LOCKED

-- archive_runs --
-- Out of sight since then.
UPDATE run SET archived_at = $2 WHERE run_id = ANY($1::uuid[])

-- delete_runs --
-- The api forgets these runs.
DELETE FROM run WHERE run_id = ANY($1::uuid[])

-- limits --
-- What is set for a pipeline and for a namespace.
SELECT
    (SELECT max_active_runs FROM pipeline WHERE pipeline_id = $1) AS pipeline,
    (SELECT max_active_runs FROM namespace_limit WHERE namespace = $2) AS namespace

-- set_namespace_limit --
-- How many of its runs may be active; NULL is no limit.
INSERT INTO namespace_limit (namespace, max_active_runs) VALUES ($1, $2)
ON CONFLICT (namespace) DO UPDATE SET max_active_runs = EXCLUDED.max_active_runs
