-- runs --
-- A page of runs, with the sort value. The subquery may use an index alone; then only the rows of
-- the page are read.
SELECT run_id, version, state, coalesce(latest, state) AS latest, revision, submission, history,
    failure, outputs, archived, archived_at, deleted, sorted_by
FROM (
    SELECT run_id, {sort} AS sorted_by FROM run
    WHERE submission IS NOT NULL AND NOT deleted AND {where}
    ORDER BY {order} LIMIT {limit}
) AS found JOIN run USING (run_id)
ORDER BY {order_of_found}

-- runs_with_metric --
-- A page of the runs that have a metric, with its value.
SELECT run_id, version, state, coalesce(latest, state) AS latest, revision, submission, history,
    failure, outputs, archived, archived_at, deleted, sorted_by
FROM (SELECT run_id, value AS sorted_by FROM run_metric WHERE {metric}) AS metric JOIN run USING (run_id)
WHERE submission IS NOT NULL AND NOT deleted AND {where}
ORDER BY {order} LIMIT {limit}

-- runs_without_metric --
-- A page of the runs that do not have a metric, newest first.
SELECT run_id, version, state, coalesce(latest, state) AS latest, revision, submission, history,
    failure, outputs, archived, archived_at, deleted, created_at AS sorted_by
FROM run WHERE submission IS NOT NULL AND NOT deleted AND {where}
  AND NOT EXISTS (SELECT FROM run_metric WHERE run_metric.run_id = run.run_id AND name = {metric})
ORDER BY created_at DESC, run_id DESC LIMIT {limit}

-- precomputed_count_of_runs --
-- How many runs a list has, from the counts that triggers maintain.
SELECT coalesce(sum(amount), 0)::bigint FROM run_count WHERE {where}

-- count_of_runs --
-- How many runs a list has, up to a limit.
SELECT count(*) FROM (
    SELECT FROM run WHERE submission IS NOT NULL AND NOT deleted AND {where} LIMIT {limit}
) AS found

-- tasks --
-- A page of tasks, with the sort value.
SELECT task_id, run_id, plan, state, attempt, rank, detail, inputs, inputs_attempt, outputs, failure,
    origin, fingerprint, log, log_text, place, log_attempt, created_at, started_at, finished_at,
    {sort} AS sorted_by
FROM task WHERE plan IS NOT NULL AND namespace IS NOT NULL AND {where}
ORDER BY {order} LIMIT {limit}

-- count_of_tasks --
-- How many tasks a list has, up to a limit.
SELECT count(*) FROM (
    SELECT FROM task WHERE plan IS NOT NULL AND namespace IS NOT NULL AND {where} LIMIT {limit}
) AS found

-- artifacts --
-- A page of artifacts, with the sort value.
SELECT artifact_id, namespace, run_id, task_id, output, name, type, uri, metadata, created_at,
    {sort} AS sorted_by
FROM artifact WHERE namespace IS NOT NULL AND {where}
ORDER BY {order} LIMIT {limit}

-- count_of_artifacts --
-- How many artifacts a list has, up to a limit.
SELECT count(*) FROM (
    SELECT FROM artifact WHERE namespace IS NOT NULL AND {where} LIMIT {limit}
) AS found

-- artifact_tasks --
-- A page of inputs and outputs of tasks, of runs in some namespaces.
SELECT artifact_id, run_id, task_id, type, key, artifact_task_id, {sort} AS sorted_by
FROM artifact_task
WHERE {where} AND EXISTS (
    SELECT FROM run
    WHERE run.run_id = artifact_task.run_id AND submission IS NOT NULL AND NOT deleted
      AND {visible}
)
ORDER BY {order} LIMIT {limit}

-- count_of_artifact_tasks --
-- How many inputs and outputs a list has, up to a limit.
SELECT count(*) FROM (
    SELECT FROM artifact_task
    WHERE {where} AND EXISTS (
        SELECT FROM run
        WHERE run.run_id = artifact_task.run_id AND submission IS NOT NULL AND NOT deleted
          AND {visible}
    )
    LIMIT {limit}
) AS found
