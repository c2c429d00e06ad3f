-- insert_recurring_run --
-- A new recurring run.
INSERT INTO recurring_run (
    recurring_run_id, namespace, definition, enabled, max_concurrency, anchor, since, next_at,
    created_at, updated_at
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $6, $6)

-- recurring_run_by_id --
-- One recurring run, if it is in one of these namespaces.
SELECT * FROM recurring_run
WHERE recurring_run_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))

-- lock_recurring_run --
-- One recurring run, if it is in one of these namespaces, locked until the commit.
SELECT * FROM recurring_run
WHERE recurring_run_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))
FOR UPDATE

-- lock_for_slot --
-- One recurring run, locked until the commit, unless it was changed or another replica locked it.
SELECT * FROM recurring_run WHERE recurring_run_id = $1 AND revision = $2 AND enabled
FOR UPDATE SKIP LOCKED

-- recurring_runs --
-- One page of the list.
SELECT *, {sort} AS place FROM recurring_run WHERE {where} ORDER BY {order} LIMIT {limit}

-- count_recurring_runs --
-- The length of the whole list.
SELECT count(*) FROM recurring_run WHERE {where}

-- due_recurring_runs --
-- Those with a due slot, longest due first, while fewer of their runs are active than allowed.
SELECT recurring_run_id FROM recurring_run AS due
WHERE enabled AND next_at <= $1 AND max_concurrency > (
    SELECT count(*) FROM run WHERE recurring_run_id = due.recurring_run_id AND ended_at IS NULL
)
ORDER BY next_at LIMIT $2

-- active_run_count --
-- How many runs of a recurring run have not ended.
SELECT count(*) FROM run WHERE recurring_run_id = $1 AND ended_at IS NULL

-- take_slot --
-- A slot is done: a run was submitted ($4), or could not be submitted ($5).
UPDATE recurring_run SET
    since = $2, last_scheduled_at = $2, next_at = $3, fired = fired + 1, revision = revision + 1,
    last_run_id = coalesce($4, last_run_id), last_error = $5
WHERE recurring_run_id = $1

-- update_recurring_run --
-- A changed recurring run.
UPDATE recurring_run SET
    definition = $2, enabled = $3, max_concurrency = $4, anchor = $5, since = $6, next_at = $7,
    updated_at = $8, revision = revision + 1
WHERE recurring_run_id = $1

-- delete_recurring_run --
-- Delete a recurring run; its runs stay.
DELETE FROM recurring_run WHERE recurring_run_id = $1
