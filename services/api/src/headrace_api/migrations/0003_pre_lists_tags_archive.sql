SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '60s'; -- the index of runs by experiment: some 2 s for 200,000 runs

ALTER TABLE experiment
    ADD COLUMN archived_at timestamptz,
    -- Its runs are still to be archived: there may be too many for one transaction.
    ADD COLUMN runs_pending boolean NOT NULL DEFAULT FALSE;
ALTER TABLE pipeline ADD COLUMN tags jsonb NOT NULL DEFAULT '{}';
ALTER TABLE pipeline_version
    ADD COLUMN tags jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN package_url text,
    ADD COLUMN code_source_url text;

-- The newest run of an experiment, and all of them in order: ids are time-ordered.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX run_of_experiment ON run ((submission ->> 'experiment_id'), run_id);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX recurring_run_of_experiment ON recurring_run ((definition ->> 'experiment_id'));
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX experiment_runs_pending ON experiment (experiment_id) WHERE runs_pending;

-- The default orders, of one namespace and of all.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX experiment_newest_here ON experiment (namespace, created_at, experiment_id);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX experiment_newest ON experiment (created_at, experiment_id);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX pipeline_newest_here ON pipeline (namespace, created_at, pipeline_id);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX pipeline_newest ON pipeline (created_at, pipeline_id);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX pipeline_version_newest ON pipeline_version
    (pipeline_id, created_at, pipeline_version_id);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX recurring_run_newest_here ON recurring_run (namespace, created_at, recurring_run_id);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX recurring_run_newest ON recurring_run (created_at, recurring_run_id);

-- Parts of names. The versions of one pipeline are few: they have none.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX experiment_name_parts ON experiment
    USING gin (display_name extensions.gin_trgm_ops);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX pipeline_display_name_parts ON pipeline
    USING gin (display_name extensions.gin_trgm_ops);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX pipeline_name_parts ON pipeline USING gin (name extensions.gin_trgm_ops);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX recurring_run_name_parts ON recurring_run
    USING gin ((definition ->> 'display_name') extensions.gin_trgm_ops);
