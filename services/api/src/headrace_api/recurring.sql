-- insert_recurring --
-- A new recurring run.
INSERT INTO recurring_run (
    recurring_run_id, namespace, definition, enabled, max_concurrency, anchor, since, next_at,
    created_at, updated_at
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $6, $6)
RETURNING *

-- recurring_by_id --
-- One recurring run, if it is in one of these namespaces.
SELECT * FROM recurring_run
WHERE recurring_run_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))

-- lock_recurring --
-- The same, for a change of it.
SELECT * FROM recurring_run
WHERE recurring_run_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))
FOR UPDATE

-- lock_recurring_for_slot --
-- The same for a slot, if it is as it was read, and nobody else has it in hand.
SELECT * FROM recurring_run WHERE recurring_run_id = $1 AND revision = $2 AND enabled
FOR UPDATE SKIP LOCKED

-- recurring_runs --
-- A page.
SELECT *, {sort} AS place FROM recurring_run WHERE {where} ORDER BY {order} LIMIT {limit}

-- count_recurring_runs --
-- How many the whole list has.
SELECT count(*) FROM recurring_run WHERE {where}

-- recurring_due --
-- Those with a slot that may be taken now, longest due first; a slot waits for a free place.
SELECT recurring_run_id FROM recurring_run AS due
WHERE enabled AND next_at <= $1 AND max_concurrency > (
    SELECT count(*) FROM run WHERE recurring_run_id = due.recurring_run_id AND ended_at IS NULL
)
ORDER BY next_at LIMIT $2

-- active_of_recurring --
-- How many of its runs have not ended.
SELECT count(*) AS active FROM run WHERE recurring_run_id = $1 AND ended_at IS NULL

-- take_slot --
-- A slot was dealt with: a run was submitted, or the reason why not is kept.
UPDATE recurring_run SET
    since = $2, last_scheduled_at = $2, next_at = $3, fired = fired + 1, revision = revision + 1,
    last_run_id = coalesce($4, last_run_id), last_error = $5
WHERE recurring_run_id = $1

-- update_recurring --
-- What it is from now on.
UPDATE recurring_run SET
    definition = $2, enabled = $3, max_concurrency = $4, anchor = $5, since = $6, next_at = $7,
    updated_at = $8, revision = revision + 1
WHERE recurring_run_id = $1
RETURNING *

-- delete_recurring --
-- Its runs stay.
DELETE FROM recurring_run WHERE recurring_run_id = $1
