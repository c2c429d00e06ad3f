-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion
SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '10min';

-- What is listed on its own has its run's namespace; NULL until that was heard.
ALTER TABLE task ADD COLUMN namespace text;
UPDATE task SET namespace = run.namespace FROM run WHERE run.run_id = task.run_id;
ALTER TABLE artifact ADD COLUMN namespace text;
UPDATE artifact SET namespace = run.namespace FROM run WHERE run.run_id = artifact.run_id;

CREATE INDEX task_listed_in_run ON task (run_id, created_at, task_id);
CREATE INDEX task_listed_inside ON task
    (((plan ->> 'parent_task_id')::uuid), created_at, task_id) WHERE plan IS NOT NULL;
CREATE INDEX task_listed ON task (namespace, created_at, task_id) WHERE plan IS NOT NULL;
CREATE INDEX task_listed_everywhere ON task (created_at, task_id) WHERE plan IS NOT NULL;
DROP INDEX task_of_run;

CREATE INDEX artifact_listed_in_run ON artifact (run_id, created_at DESC, artifact_id DESC);
CREATE INDEX artifact_listed ON artifact (namespace, created_at DESC, artifact_id DESC);
CREATE INDEX artifact_listed_everywhere ON artifact (created_at DESC, artifact_id DESC);
CREATE INDEX artifact_of_task ON artifact (task_id);
-- A URI or a name may be longer than an entry of an ordered index.
CREATE INDEX artifact_at_uri ON artifact USING hash (uri);
CREATE INDEX artifact_parts ON artifact
    USING gin (name extensions.gin_trgm_ops, type extensions.gin_trgm_ops);
DROP INDEX artifact_of_run;

-- What tasks used and made. `artifact_use`, which knew but the one, is no longer written.
CREATE TABLE artifact_task (
    artifact_task_id uuid PRIMARY KEY,
    artifact_id uuid NOT NULL,
    run_id uuid NOT NULL,
    task_id uuid NOT NULL,
    type text NOT NULL,
    key text NOT NULL
);

INSERT INTO artifact_task
SELECT md5(concat_ws('/', artifact_id, task_id, type, key))::uuid,
    artifact_id, run_id, task_id, type, key
FROM (
    SELECT artifact_id, run_id, task_id, 'INPUT' AS type, input AS key FROM artifact_use
    UNION ALL
    SELECT artifact_id, run_id, task_id, 'OUTPUT', output FROM artifact
) AS known
ON CONFLICT DO NOTHING;

CREATE INDEX artifact_task_of_artifact ON artifact_task (artifact_id, artifact_task_id);
CREATE INDEX artifact_task_of_run ON artifact_task (run_id, artifact_task_id);
CREATE INDEX artifact_task_of_task ON artifact_task (task_id, artifact_task_id);

-- One value for each name of a run. `metric`, with one for each task, is no longer written.
CREATE TABLE run_metric (
    run_id uuid NOT NULL,
    name text NOT NULL,
    value double precision NOT NULL,
    told_at timestamptz NOT NULL,
    task_id uuid NOT NULL,
    namespace text,
    PRIMARY KEY (run_id, name)
);

INSERT INTO run_metric
SELECT DISTINCT ON (run_id, name) run_id, name, value, coalesce(finished_at, 'epoch'), task_id,
    task.namespace
FROM metric LEFT JOIN task USING (run_id, task_id)
WHERE length(name) <= 250
ORDER BY run_id, name, finished_at DESC NULLS LAST, task_id DESC;

CREATE INDEX run_metric_listed ON run_metric (namespace, name, value DESC, run_id DESC);
CREATE INDEX run_metric_listed_everywhere ON run_metric (name, value DESC, run_id DESC);
