-- insert_experiment --
-- A new experiment, unless the name is taken.
INSERT INTO experiment (experiment_id, namespace, display_name, description, created_at)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
RETURNING *, FALSE AS archived

-- experiment_by_name --
-- Names are unique in a namespace.
SELECT *, archived_at IS NOT NULL AS archived FROM experiment
WHERE namespace = $1 AND display_name = $2

-- experiment_by_id --
-- One experiment, if it is in one of these namespaces, and when its newest run was submitted.
SELECT *, archived_at IS NOT NULL AS archived, (
    SELECT (submission ->> 'submitted_at')::timestamptz FROM run
    WHERE submission ->> 'experiment_id' = experiment.experiment_id::text
    ORDER BY run_id DESC LIMIT 1
) AS last_run_created_at
FROM experiment
WHERE experiment_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))

-- lock_experiment --
-- One experiment, if it is in one of these namespaces, locked until the commit.
SELECT *, archived_at IS NOT NULL AS archived FROM experiment
WHERE experiment_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))
FOR UPDATE

-- experiments --
-- One page of the list.
SELECT *, {sort} AS place FROM (
    SELECT *, archived_at IS NOT NULL AS archived, coalesce((
        SELECT (submission ->> 'submitted_at')::timestamptz FROM run
        WHERE submission ->> 'experiment_id' = experiment.experiment_id::text
        ORDER BY run_id DESC LIMIT 1
    ), 'epoch') AS last_run_created_at
    FROM experiment
) AS experiment
WHERE {where} ORDER BY {order} LIMIT {limit}

-- count_experiments --
-- The length of the whole list.
SELECT count(*) FROM (
    SELECT *, archived_at IS NOT NULL AS archived, coalesce((
        SELECT (submission ->> 'submitted_at')::timestamptz FROM run
        WHERE submission ->> 'experiment_id' = experiment.experiment_id::text
        ORDER BY run_id DESC LIMIT 1
    ), 'epoch') AS last_run_created_at
    FROM experiment
) AS experiment
WHERE {where}

-- archive_experiment --
-- The experiment is archived now; its runs follow in batches.
UPDATE experiment SET archived_at = coalesce(archived_at, $2), runs_pending = TRUE
WHERE experiment_id = $1

-- unarchive_experiment --
-- The experiment is restored; runs that were not archived yet are left as they are.
UPDATE experiment SET archived_at = NULL, runs_pending = FALSE WHERE experiment_id = $1

-- delete_experiment --
-- Delete an experiment; its runs stay.
DELETE FROM experiment WHERE experiment_id = $1

-- experiments_with_pending_runs --
-- Archived experiments that have runs still to be archived.
SELECT experiment_id FROM experiment WHERE runs_pending

-- hold_pending_runs --
-- Whether runs of an experiment are still to be archived; a lock keeps this true until the commit.
SELECT 1 FROM experiment WHERE experiment_id = $1 AND runs_pending FOR SHARE

-- disable_recurring_runs --
-- Disable the recurring runs of an experiment.
UPDATE recurring_run SET enabled = FALSE, updated_at = $2, revision = revision + 1
WHERE definition ->> 'experiment_id' = $1::uuid::text AND enabled

-- archive_runs --
-- Archive some runs of an experiment: the next ones after a run id, in the order of their ids.
WITH batch AS (
    SELECT run_id FROM run
    WHERE submission ->> 'experiment_id' = $1::uuid::text AND archived_at IS NULL
      AND ($2::uuid IS NULL OR run_id > $2)
    ORDER BY run_id LIMIT $4 FOR UPDATE
)

UPDATE run SET archived_at = $3 FROM batch WHERE run.run_id = batch.run_id
RETURNING run.run_id

-- runs_are_archived --
-- No runs of the experiment are left to be archived.
UPDATE experiment SET runs_pending = FALSE WHERE experiment_id = $1
