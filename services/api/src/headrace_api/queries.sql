-- insert_experiment --
-- A new experiment, unless the name is taken.
INSERT INTO experiment (experiment_id, namespace, display_name, description, created_at)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
RETURNING *

-- experiment_by_name --
-- Names are unique in a namespace.
SELECT * FROM experiment WHERE namespace = $1 AND display_name = $2

-- experiment_by_id --
-- One experiment.
SELECT * FROM experiment WHERE experiment_id = $1

-- experiments --
-- A page, newest first; ids are time-ordered.
SELECT *, count(*) OVER () AS total FROM (
    SELECT * FROM experiment
    WHERE ($1::text IS NULL OR namespace = $1) AND ($2::text IS NULL OR display_name = $2)
) AS matching
WHERE $3::uuid IS NULL OR experiment_id < $3
ORDER BY experiment_id DESC LIMIT $4

-- insert_pipeline --
-- A new pipeline, unless the name is taken.
INSERT INTO pipeline (pipeline_id, namespace, name, display_name, description, created_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
RETURNING *

-- pipeline_by_id --
-- One pipeline.
SELECT * FROM pipeline WHERE pipeline_id = $1

-- pipeline_by_name --
-- Names are unique in a namespace.
SELECT * FROM pipeline WHERE namespace = $1 AND name = $2

-- pipelines --
-- A page, newest first.
SELECT *, count(*) OVER () AS total FROM (
    SELECT * FROM pipeline
    WHERE ($1::text IS NULL OR namespace = $1)
      AND ($2::text IS NULL OR name = $2 OR display_name = $2)
) AS matching
WHERE $3::uuid IS NULL OR pipeline_id < $3
ORDER BY pipeline_id DESC LIMIT $4

-- insert_version --
-- A new version, unless the pipeline has one of this name.
INSERT INTO pipeline_version
    (pipeline_version_id, pipeline_id, name, display_name, description, document, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
RETURNING *

-- version_by_id --
-- One version of a pipeline.
SELECT * FROM pipeline_version WHERE pipeline_id = $1 AND pipeline_version_id = $2

-- version_by_name --
-- One version of a pipeline, the newest when no name is given.
SELECT * FROM pipeline_version WHERE pipeline_id = $1 AND ($2::text IS NULL OR name = $2)
ORDER BY pipeline_version_id DESC LIMIT 1

-- versions --
-- A page of a pipeline's versions, newest first.
SELECT *, count(*) OVER () AS total FROM (
    SELECT * FROM pipeline_version WHERE pipeline_id = $1
) AS matching
WHERE $2::uuid IS NULL OR pipeline_version_id < $2
ORDER BY pipeline_version_id DESC LIMIT $3

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
-- One run, and how it stands.
SELECT submission, state, state_revision, archived_at FROM run WHERE run_id = $1

-- lock_run --
-- One run, for a change of it.
SELECT submission, state, state_revision, archived_at FROM run WHERE run_id = $1 FOR UPDATE

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

-- set_pipeline_limit --
-- How many of its runs may be active; NULL is no limit.
UPDATE pipeline SET max_active_runs = $2 WHERE pipeline_id = $1 RETURNING *

-- set_namespace_limit --
-- How many of its runs may be active; NULL is no limit.
INSERT INTO namespace_limit (namespace, max_active_runs) VALUES ($1, $2)
ON CONFLICT (namespace) DO UPDATE SET max_active_runs = EXCLUDED.max_active_runs
