-- upsert_metrics --
-- Numbers in metrics artifacts; for an existing name, the one reported later wins.
INSERT INTO run_metric (run_id, name, value, told_at, task_id, namespace)
SELECT new.run_id, name, value, told_at, task_id, run.namespace
FROM unnest($1::uuid[], $2::text[], $3::double precision[], $4::timestamptz[], $5::uuid[])
    AS new (run_id, name, value, told_at, task_id)
JOIN run ON run.run_id = new.run_id
ON CONFLICT (run_id, name) DO UPDATE SET
    value = EXCLUDED.value, told_at = EXCLUDED.told_at, task_id = EXCLUDED.task_id
WHERE (EXCLUDED.told_at, EXCLUDED.task_id) > (run_metric.told_at, run_metric.task_id)

-- metrics_of_runs --
-- The metrics of some runs.
SELECT run_id, name, value FROM run_metric WHERE run_id = ANY($1::uuid[]) ORDER BY name
