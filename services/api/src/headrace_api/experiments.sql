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
-- The same, for a change of it.
SELECT *, archived_at IS NOT NULL AS archived FROM experiment
WHERE experiment_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))
FOR UPDATE

-- experiments --
-- A page.
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
-- How many the whole list has.
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
-- Out of sight since then; its runs follow in batches.
UPDATE experiment SET archived_at = coalesce(archived_at, $2), runs_pending = TRUE
WHERE experiment_id = $1

-- unarchive_experiment --
-- Back in sight; runs that were not archived yet stay as they are.
UPDATE experiment SET archived_at = NULL, runs_pending = FALSE WHERE experiment_id = $1

-- delete_experiment --
-- Its runs stay.
DELETE FROM experiment WHERE experiment_id = $1

-- experiments_pending --
-- Those whose runs are still to be archived.
SELECT experiment_id FROM experiment WHERE runs_pending

-- still_pending --
-- Whether that is so of one; nobody takes it back before the transaction ends.
SELECT 1 FROM experiment WHERE experiment_id = $1 AND runs_pending FOR SHARE

-- disable_recurring_of_experiment --
-- No slot of them is taken any more.
UPDATE recurring_run SET enabled = FALSE, updated_at = $2, revision = revision + 1
WHERE definition ->> 'experiment_id' = $1::uuid::text AND enabled

-- runs_of_experiment --
-- Some of those in sight after the one of this id, in the order of their ids.
SELECT run_id FROM run
WHERE submission ->> 'experiment_id' = $1::uuid::text AND archived_at IS NULL
  AND ($2::uuid IS NULL OR run_id > $2)
ORDER BY run_id LIMIT $3 FOR UPDATE

-- archive_done --
-- Its runs are archived.
UPDATE experiment SET runs_pending = FALSE WHERE experiment_id = $1
