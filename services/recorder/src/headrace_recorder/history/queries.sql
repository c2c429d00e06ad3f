-- append_history --
-- Events, in the order in which they were received.
INSERT INTO history (event_id, run_id, type, at, body)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[], $5::jsonb[])

-- history_of_run --
-- The events of a run after a sequence number.
SELECT seq, event_id, type, at, body FROM history
WHERE run_id = $1 AND seq > $2 ORDER BY seq LIMIT $3

-- set_missing_namespaces --
-- Rows of runs that were recorded before the submission, which names the namespace.
WITH known AS (SELECT run_id, namespace FROM run WHERE run_id = ANY($1::uuid[])),
tasks AS (
    UPDATE task SET namespace = known.namespace FROM known
    WHERE task.run_id = known.run_id AND task.namespace IS NULL
),
artifacts AS (
    UPDATE artifact SET namespace = known.namespace FROM known
    WHERE artifact.run_id = known.run_id AND artifact.namespace IS NULL
)
UPDATE run_metric SET namespace = known.namespace FROM known
WHERE run_metric.run_id = known.run_id AND run_metric.namespace IS NULL
