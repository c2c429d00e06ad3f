-- earlier_executions --
-- The latest executions of a component in a pipeline, but for one task, with what their cache
-- entries were made of.
SELECT task.run_id, task.task_id, task.created_at, task.fingerprint
FROM task JOIN run USING (run_id)
WHERE task.plan ->> 'component' = $1 AND task.fingerprint IS NOT NULL AND task.task_id <> $2
  AND run.namespace = $3 AND run.pipeline_name = left($4, 500) AND NOT run.deleted
ORDER BY task.created_at DESC LIMIT 50
