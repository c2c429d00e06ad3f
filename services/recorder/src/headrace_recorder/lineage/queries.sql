-- insert_artifacts --
-- Output artifacts; a task's outputs come from one attempt, so an artifact never changes.
INSERT INTO artifact (artifact_id, run_id, task_id, output, name, type, uri, metadata, created_at,
    namespace)
SELECT new.*, run.namespace
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[],
    $7::text[], $8::jsonb[], $9::timestamptz[]) AS new (artifact_id, run_id)
JOIN run ON run.run_id = new.run_id
ON CONFLICT DO NOTHING

-- insert_artifact_tasks --
-- Which task has which artifact as which input or output.
INSERT INTO artifact_task
SELECT md5(concat_ws('/', artifact_id, task_id, type, key))::uuid,
    artifact_id, run_id, task_id, type, key
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[])
    AS new (artifact_id, run_id, task_id, type, key)
ON CONFLICT DO NOTHING

-- artifact_by_id --
-- An artifact, if it is in one of the namespaces (NULL: in any).
SELECT artifact_id, namespace, run_id, task_id, output, name, type, uri, metadata, created_at
FROM artifact
WHERE artifact_id = $1 AND namespace IS NOT NULL AND ($2::text[] IS NULL OR namespace = ANY($2))
