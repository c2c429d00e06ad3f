-- refused --
-- Whether a submit message was rejected.
SELECT message_id FROM inbox WHERE consumer = $1 AND message_id = $2

-- spec_is_stored --
-- Whether the object store has a spec.
SELECT bytes FROM spec WHERE digest = $1

-- insert_spec --
-- Record that the object store has a spec.
INSERT INTO spec (digest, bytes) VALUES ($1, $2) ON CONFLICT DO NOTHING

-- insert_run --
-- A new run, unless its key is taken. The second of two concurrent requests with one key waits here.
INSERT INTO run
    (run_id, namespace, submission, idempotency_key, request_digest, recurring_run_id)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
RETURNING run_id

-- run_by_key --
-- The run with this idempotency key.
SELECT submission, request_digest FROM run WHERE namespace = $1 AND idempotency_key = $2

-- run_by_id --
-- One run, if it is in one of these namespaces; NULL means all namespaces.
SELECT submission, state, state_revision, archived_at FROM run
WHERE run_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))

-- lock_run --
-- The same row, locked until the commit.
SELECT submission, state, state_revision, archived_at FROM run
WHERE run_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))
FOR UPDATE

-- update_run_states --
-- The newest of the given states of each run, unless the table has a newer one.
UPDATE run SET
    state = newest.state, state_revision = newest.revision, ended_at = newest.ended_at
FROM (
    SELECT DISTINCT ON (run_id) * FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::timestamptz[])
        AS given (run_id, state, revision, ended_at)
    ORDER BY run_id, revision DESC
) AS newest
WHERE run.run_id = newest.run_id AND newest.revision >= run.state_revision

-- set_archived --
-- Archived since this time; NULL restores the run.
UPDATE run SET archived_at = $2 WHERE run_id = $1

-- delete_run --
-- Delete a run, with its idempotency key.
DELETE FROM run WHERE run_id = $1

-- archive_ended_runs --
-- Archive some of the runs that ended before a time. Rows that another replica has locked are skipped.
WITH batch AS (
    SELECT run_id FROM run WHERE ended_at < $1 AND archived_at IS NULL
    ORDER BY ended_at LIMIT $3 FOR UPDATE SKIP LOCKED
)

UPDATE run SET archived_at = $2 FROM batch WHERE run.run_id = batch.run_id
RETURNING run.run_id

-- delete_archived_runs --
-- Delete some of the ended runs that were archived before a time.
WITH batch AS (
    SELECT run_id FROM run WHERE archived_at < $1 AND ended_at IS NOT NULL
    ORDER BY archived_at LIMIT $2 FOR UPDATE SKIP LOCKED
)

DELETE FROM run USING batch WHERE run.run_id = batch.run_id
RETURNING run.run_id
