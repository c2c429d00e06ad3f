-- insert_launches --
-- Attempts to run; one that is known is left as it is.
INSERT INTO launch (run_id, task_id, attempt, state, command)
SELECT run_id, task_id, attempt, 'WAITING', command
FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::jsonb[])
    AS new (run_id, task_id, attempt, command)
ON CONFLICT DO NOTHING
RETURNING run_id, task_id, attempt

-- insert_canceled --
-- A cancellation that overtook its launch: the launch will find that it has ended.
INSERT INTO launch (run_id, task_id, attempt, state, cancel_requested, result, ended_at)
VALUES ($1, $2, $3, 'ENDED', true, $4, now())
ON CONFLICT DO NOTHING
RETURNING attempt

-- request_cancel --
-- Remembered, so that a restarted executor cancels too.
UPDATE launch SET cancel_requested = true
WHERE run_id = $1 AND task_id = $2 AND attempt = $3 AND state <> 'ENDED'
RETURNING attempt

-- results --
-- What became of attempts that have ended.
SELECT result FROM launch
JOIN unnest($1::uuid[], $2::uuid[], $3::integer[]) AS asked (run_id, task_id, attempt)
    USING (run_id, task_id, attempt)
WHERE state = 'ENDED'

-- waiting --
-- Those of these attempts that have not been started.
SELECT run_id, task_id, attempt FROM launch
JOIN unnest($1::uuid[], $2::uuid[], $3::integer[]) AS asked (run_id, task_id, attempt)
    USING (run_id, task_id, attempt)
WHERE state = 'WAITING'

-- open_launches --
-- Attempts that have not ended, in the order of their arrival.
SELECT run_id, task_id, attempt, state, command, cancel_requested, pid, pid_started, started_at
FROM launch WHERE state <> 'ENDED' ORDER BY position

-- set_running --
-- The launcher's process, by which a restarted executor finds it again.
UPDATE launch SET state = 'RUNNING', pid = $4, pid_started = $5, started_at = $6
WHERE run_id = $1 AND task_id = $2 AND attempt = $3 AND state <> 'ENDED'
RETURNING attempt

-- set_ended --
-- The end is written once; whoever comes second changes nothing.
UPDATE launch SET state = 'ENDED', result = $4, ended_at = now()
WHERE run_id = $1 AND task_id = $2 AND attempt = $3 AND state <> 'ENDED'
RETURNING attempt
