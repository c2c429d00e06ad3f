-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion
SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '10min';

-- What lists of runs are filtered and sorted by. Texts are cut to what an index entry can hold; a
-- run that has not ended has 'epoch' as its end, for a list can only go on after a value.
ALTER TABLE run
    ADD COLUMN display_name text NOT NULL DEFAULT '',
    ADD COLUMN description text NOT NULL DEFAULT '',
    ADD COLUMN finished_at timestamptz NOT NULL DEFAULT 'epoch',
    ADD COLUMN scheduled_at timestamptz NOT NULL DEFAULT 'epoch',
    ADD COLUMN pipeline_id uuid,
    ADD COLUMN pipeline_version_id uuid,
    ADD COLUMN pipeline_name text NOT NULL DEFAULT '';

UPDATE run SET
    display_name = coalesce(left(submission ->> 'display_name', 500), ''),
    description = coalesce(submission ->> 'description', ''),
    finished_at = CASE WHEN state IN ('SUCCEEDED', 'FAILED', 'CANCELED')
        THEN coalesce((history -> revision::text ->> 1)::timestamptz, 'epoch') ELSE 'epoch' END,
    scheduled_at = coalesce(submission ->> 'scheduled_at', submission ->> 'submitted_at')::timestamptz,
    pipeline_id = (submission -> 'pipeline' ->> 'pipeline_id')::uuid,
    pipeline_version_id = (submission -> 'pipeline' ->> 'pipeline_version_id')::uuid,
    pipeline_name = coalesce(left(submission -> 'pipeline' ->> 'name', 500), '')
WHERE submission IS NOT NULL;

-- Without the marks of deleted runs, which no list has. With what most filters ask for, so that
-- matches are counted without a look at the rows.
CREATE INDEX run_listed ON run (namespace, created_at DESC, run_id DESC)
    INCLUDE (state, archived, display_name) WHERE submission IS NOT NULL AND NOT deleted;
CREATE INDEX run_listed_everywhere ON run (created_at DESC, run_id DESC)
    INCLUDE (namespace, state, archived, display_name) WHERE submission IS NOT NULL AND NOT deleted;
CREATE INDEX run_listed_in_experiment ON run (experiment_id, created_at DESC, run_id DESC)
    WHERE submission IS NOT NULL AND NOT deleted;
CREATE INDEX run_listed_of_recurring ON run (recurring_run_id, created_at DESC, run_id DESC)
    WHERE recurring_run_id IS NOT NULL AND submission IS NOT NULL AND NOT deleted;
CREATE INDEX run_listed_of_pipeline ON run (pipeline_id, created_at DESC, run_id DESC)
    WHERE pipeline_id IS NOT NULL AND submission IS NOT NULL AND NOT deleted;
CREATE INDEX run_listed_in_state ON run (namespace, state, created_at DESC, run_id DESC)
    INCLUDE (archived, display_name) WHERE submission IS NOT NULL AND NOT deleted;
CREATE INDEX run_listed_archived ON run (namespace, created_at DESC, run_id DESC)
    WHERE archived AND submission IS NOT NULL AND NOT deleted;
-- The namespace comes last: in this way one index serves a namespace and all of them.
CREATE INDEX run_listed_by_name ON run (display_name, run_id, namespace)
    WHERE submission IS NOT NULL AND NOT deleted;
CREATE INDEX run_listed_by_end ON run (finished_at, run_id, namespace)
    WHERE submission IS NOT NULL AND NOT deleted;
CREATE INDEX run_listed_by_schedule ON run (scheduled_at, run_id, namespace)
    WHERE submission IS NOT NULL AND NOT deleted;
CREATE INDEX run_name_parts ON run USING gin (display_name extensions.gin_trgm_ops)
    WHERE submission IS NOT NULL AND NOT deleted;

DROP INDEX run_in_namespace;
DROP INDEX run_in_experiment;
DROP INDEX run_of_recurring;
DROP INDEX run_in_state;

-- Of a rare name, the planner has to know that it is rare.
ALTER TABLE run ALTER COLUMN display_name SET STATISTICS 500;
