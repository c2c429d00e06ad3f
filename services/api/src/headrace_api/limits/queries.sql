-- limits --
-- The limits of a pipeline and of a namespace; NULL is no limit.
SELECT
    (SELECT max_active_runs FROM pipeline WHERE pipeline_id = $1) AS pipeline,
    (SELECT max_active_runs FROM namespace_limit WHERE namespace = $2) AS namespace

-- set_namespace_limit --
-- How many runs of a namespace may be active at one time; NULL is no limit.
INSERT INTO namespace_limit (namespace, max_active_runs) VALUES ($1, $2)
ON CONFLICT (namespace) DO UPDATE SET max_active_runs = EXCLUDED.max_active_runs
