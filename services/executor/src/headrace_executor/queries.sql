-- insert_launches --
-- Attempts to run, owned by $5; one that is known is left as it is.
INSERT INTO launch (run_id, task_id, attempt, state, command, owner, epoch)
SELECT run_id, task_id, attempt, 'WAITING', command, $5, 1
FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::jsonb[])
    AS new (run_id, task_id, attempt, command)
ON CONFLICT DO NOTHING
RETURNING run_id, task_id, attempt

-- insert_ended --
-- An attempt that ends without a launch: it was canceled before its launch arrived, which will find
-- that it has ended, or its launch cannot be stored.
INSERT INTO launch (run_id, task_id, attempt, state, cancel_requested, result, ended_at)
VALUES ($1, $2, $3, 'ENDED', $4, $5, now())
ON CONFLICT DO NOTHING
RETURNING attempt

-- claim_execution --
-- The next execution, unless another executor owns the launch or it has ended. May be repeated.
UPDATE launch SET execution = $6
WHERE run_id = $1 AND task_id = $2 AND attempt = $3 AND owner = $4 AND epoch = $5
    AND state <> 'ENDED' AND execution IN ($6 - 1, $6)
RETURNING attempt

-- request_cancel --
-- Stored for the owner, which may be another executor, or one that is restarting.
UPDATE launch SET cancel_requested = true
WHERE run_id = $1 AND task_id = $2 AND attempt = $3 AND state <> 'ENDED'
RETURNING attempt

-- results --
-- The results of those of these attempts that have ended.
SELECT result FROM launch
JOIN unnest($1::uuid[], $2::uuid[], $3::integer[]) AS requested (run_id, task_id, attempt)
    USING (run_id, task_id, attempt)
WHERE state = 'ENDED'

-- set_running --
-- Stores the backend's handle, unless another executor owns the launch.
UPDATE launch SET state = 'RUNNING', handle = $7, started_at = $8
WHERE run_id = $1 AND task_id = $2 AND attempt = $3 AND owner = $4 AND epoch = $5
    AND execution = $6 AND state <> 'ENDED'
RETURNING attempt

-- set_ended --
-- Stores the end of the last execution, once, unless another executor owns the launch.
UPDATE launch SET state = 'ENDED', result = $7, ended_at = now()
WHERE run_id = $1 AND task_id = $2 AND attempt = $3 AND owner = $4 AND epoch = $5
    AND execution = $6 AND state <> 'ENDED'
RETURNING attempt

-- has_ended --
-- Whether this execution has ended, which this owner has stored.
SELECT attempt FROM launch
WHERE run_id = $1 AND task_id = $2 AND attempt = $3 AND owner = $4 AND epoch = $5
    AND execution = $6 AND state = 'ENDED'

-- acquire_lease --
-- Starts the lease of an owner, also when it had one before.
INSERT INTO owner_lease (owner, expires_at) VALUES ($1, now() + $2)
ON CONFLICT (owner) DO UPDATE SET expires_at = excluded.expires_at

-- renew_lease --
-- Extends the lease, which covers all launches of the owner, and returns whether it was valid until
-- now, and what waits for the owner: launches to cancel, runs to clean, launches that others have
-- taken and of which something may be left here, and whether a lease of another owner with open
-- launches has expired. A take-over locks the lease, so the statement waits for its commit, and then
-- compares with the time after that.
WITH previous AS (
    SELECT owner, expires_at FROM owner_lease WHERE owner = $1
    FOR UPDATE
),

renewed AS (
    UPDATE owner_lease SET expires_at = now() + $2 FROM previous
    WHERE owner_lease.owner = previous.owner
    RETURNING previous.expires_at >= clock_timestamp() AS was_valid
)

SELECT 'lease' AS kind, NULL::uuid AS run_id, NULL::uuid AS task_id, NULL::integer AS attempt
FROM renewed WHERE was_valid
UNION ALL
SELECT 'cancel', run_id, task_id, attempt FROM launch
WHERE owner = $1 AND cancel_requested AND state <> 'ENDED'
UNION ALL
SELECT 'clean', run_id, NULL, NULL FROM pending_clean WHERE owner = $1
UNION ALL
SELECT 'taken', run_id, task_id, attempt FROM launch
WHERE taken_from = $1 AND NOT is_given_up
UNION ALL
SELECT 'expired', NULL, NULL, NULL WHERE EXISTS (
    SELECT FROM owner_lease AS other
    WHERE other.owner <> $1 AND other.expires_at < now() AND EXISTS (
        SELECT FROM launch WHERE launch.owner = other.owner AND launch.state <> 'ENDED'
    )
)

-- release_lease --
-- Lets other executors take over at once.
UPDATE owner_lease SET expires_at = '-infinity' WHERE owner = $1

-- adopt --
-- The open launches of a predecessor with the same name, or of a version without owners.
UPDATE launch SET owner = $1, epoch = epoch + 1
WHERE state <> 'ENDED' AND (owner = $1 OR owner IS NULL)
RETURNING run_id, task_id, attempt, state, command, cancel_requested, handle, epoch, execution,
    position, taken_from IS NOT NULL AS is_foreign

-- take_over --
-- At most $2 open launches of owners whose lease has expired. The lock on a lease makes its owner's
-- renewal wait, so that the owner then sees what it has lost.
WITH expired AS (
    SELECT owner FROM owner_lease WHERE owner <> $1 AND expires_at < now()
    FOR UPDATE SKIP LOCKED
),

claimed AS (
    SELECT run_id, task_id, attempt FROM launch
    WHERE state <> 'ENDED' AND owner IN (SELECT owner FROM expired)
    ORDER BY position LIMIT $2
    FOR UPDATE SKIP LOCKED
)

UPDATE launch SET owner = $1, epoch = launch.epoch + 1,
    taken_from = coalesce(launch.taken_from, launch.owner)
FROM claimed
WHERE launch.run_id = claimed.run_id AND launch.task_id = claimed.task_id
    AND launch.attempt = claimed.attempt
RETURNING launch.run_id, launch.task_id, launch.attempt, launch.state, launch.command,
    launch.cancel_requested, launch.handle, launch.epoch, launch.execution, launch.position,
    true AS is_foreign

-- owned --
-- Which open launches an owner has.
SELECT run_id, task_id, attempt, epoch FROM launch WHERE owner = $1 AND state <> 'ENDED'

-- owned_launches --
-- Those of these attempts that the owner has and that are open.
SELECT run_id, task_id, attempt, state, command, cancel_requested, handle, epoch, execution,
    position, taken_from IS NOT NULL AS is_foreign
FROM launch
JOIN unnest($2::uuid[], $3::uuid[], $4::integer[]) AS requested (run_id, task_id, attempt)
    USING (run_id, task_id, attempt)
WHERE owner = $1 AND state <> 'ENDED'

-- request_cleans --
-- Leaves the cleaning of runs to the other executors that have or had launches of them.
INSERT INTO pending_clean (owner, run_id)
SELECT owner, run_id FROM launch WHERE run_id = ANY($2::uuid[]) AND owner <> $1
UNION
SELECT taken_from, run_id FROM launch WHERE run_id = ANY($2::uuid[]) AND taken_from <> $1
ON CONFLICT DO NOTHING

-- cleaned --
-- The owner has cleaned these runs.
DELETE FROM pending_clean WHERE owner = $1 AND run_id = ANY($2::uuid[])

-- purge_leases --
-- Removes leases that expired long ago and have no open launches.
DELETE FROM owner_lease
WHERE expires_at < now() - $1::interval AND NOT EXISTS (
    SELECT FROM launch WHERE launch.owner = owner_lease.owner AND launch.state <> 'ENDED'
)

-- purge_cleans --
-- Removes cleanings that their owner never came back for.
DELETE FROM pending_clean WHERE requested_at < now() - $1::interval

-- purge_launches --
-- Removes launches that ended long ago, except those that an executor has still to give up.
DELETE FROM launch
WHERE state = 'ENDED' AND ended_at < now() - $1::interval
    AND (taken_from IS NULL OR is_given_up)

-- epochs --
-- The epochs of those of these attempts that the owner has or had when they ended.
SELECT run_id, task_id, attempt, epoch FROM launch
JOIN unnest($2::uuid[], $3::uuid[], $4::integer[]) AS requested (run_id, task_id, attempt)
    USING (run_id, task_id, attempt)
WHERE owner = $1

-- confirm_owned --
-- Whether the owner has this launch; it cannot be taken over before the commit.
SELECT attempt FROM launch
WHERE run_id = $1 AND task_id = $2 AND attempt = $3 AND owner = $4 AND epoch = $5
    AND state <> 'ENDED'
FOR SHARE

-- taken_launches --
-- Those of these attempts that were first taken from this owner, which has not given them up yet.
SELECT run_id, task_id, attempt, state, command, cancel_requested, handle, epoch, execution,
    position, taken_from IS NOT NULL AS is_foreign
FROM launch
JOIN unnest($2::uuid[], $3::uuid[], $4::integer[]) AS requested (run_id, task_id, attempt)
    USING (run_id, task_id, attempt)
WHERE taken_from = $1 AND NOT is_given_up

-- set_given_up --
-- Nothing is left of a launch at the owner from which it was first taken.
UPDATE launch SET is_given_up = true
WHERE run_id = $1 AND task_id = $2 AND attempt = $3 AND taken_from = $4

-- open_among --
-- Those of these attempts that are open, or of which their first owner has not removed everything.
SELECT run_id, task_id, attempt FROM launch
JOIN unnest($1::uuid[], $2::uuid[], $3::integer[]) AS requested (run_id, task_id, attempt)
    USING (run_id, task_id, attempt)
WHERE state <> 'ENDED' OR (taken_from IS NOT NULL AND NOT is_given_up)
