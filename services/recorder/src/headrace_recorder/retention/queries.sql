-- artifact_uris_of_runs --
-- The URIs of the artifacts that tasks of these runs made or used.
SELECT DISTINCT artifact.uri FROM artifact_task JOIN artifact USING (artifact_id)
WHERE artifact_task.run_id = ANY($1::uuid[])

-- delete_tasks --
-- The tasks of deleted runs.
DELETE FROM task WHERE run_id = ANY($1::uuid[])

-- delete_artifact_tasks --
-- What tasks of deleted runs made and used.
DELETE FROM artifact_task WHERE run_id = ANY($1::uuid[])

-- delete_run_metrics --
-- The metrics of deleted runs.
DELETE FROM run_metric WHERE run_id = ANY($1::uuid[])

-- delete_history --
-- The events of deleted runs.
DELETE FROM history WHERE run_id = ANY($1::uuid[])

-- delete_artifacts --
-- Artifacts that deleted runs made, except those that tasks of other runs still refer to.
DELETE FROM artifact USING run
WHERE run.run_id = artifact.run_id AND run.deleted
  AND (artifact.run_id = ANY($1::uuid[]) OR artifact.uri = ANY($2::text[]))
  AND NOT EXISTS (SELECT FROM artifact_task WHERE artifact_task.artifact_id = artifact.artifact_id)

-- request_object_deletion --
-- Those of the runs that are deleted, and whose submission names the folder of their objects.
INSERT INTO object_deletion (run_id)
SELECT run_id FROM run
WHERE run_id = ANY($1::uuid[]) AND deleted AND submission IS NOT NULL ORDER BY run_id
ON CONFLICT (run_id) DO UPDATE SET requests = object_deletion.requests + 1

-- claim_object_deletion --
-- The request that has been due for longest. A crashed attempt is repeated after the interval.
UPDATE object_deletion SET attempts = attempts + 1, due_at = now() + $1::interval
FROM run
WHERE run.run_id = object_deletion.run_id AND object_deletion.run_id = (
    SELECT run_id FROM object_deletion WHERE due_at <= now()
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING run.run_id, requests, attempts, submission

-- finish_object_deletion --
-- All objects are deleted, unless there was another request meanwhile.
DELETE FROM object_deletion WHERE run_id = $1 AND requests = $2

-- repeat_object_deletion --
-- Objects are left, or there was another request meanwhile: the next attempt is after the interval.
UPDATE object_deletion SET due_at = now() + $2::interval WHERE run_id = $1

-- artifact_uris_in_use --
-- The URIs from $1 to $2 of artifacts that some task made or used.
SELECT DISTINCT uri FROM artifact
WHERE left(uri, 500) COLLATE "C" >= left($1::text, 500)
  AND left(uri, 500) COLLATE "C" < left($2::text, 500)
  AND EXISTS (SELECT FROM artifact_task WHERE artifact_task.artifact_id = artifact.artifact_id)
