SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '5s';

-- How a run stands, as far as the api has to know; a state of a lower revision comes too late.
ALTER TABLE run
    ADD COLUMN state text NOT NULL DEFAULT 'PENDING',
    ADD COLUMN state_revision integer NOT NULL DEFAULT 0,
    ADD COLUMN ended_at timestamptz,
    ADD COLUMN archived_at timestamptz,
    ADD COLUMN recurring_run_id uuid;

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX run_active_of_recurring ON run (recurring_run_id)
WHERE recurring_run_id IS NOT NULL AND ended_at IS NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX run_to_archive ON run (ended_at) WHERE ended_at IS NOT NULL AND archived_at IS NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX run_to_delete ON run (archived_at) WHERE archived_at IS NOT NULL;

ALTER TABLE pipeline ADD COLUMN max_active_runs integer;

CREATE TABLE namespace_limit (
    namespace text PRIMARY KEY,
    max_active_runs integer
);

CREATE TABLE recurring_run (
    recurring_run_id uuid PRIMARY KEY,
    namespace text NOT NULL,
    definition jsonb NOT NULL,
    enabled boolean NOT NULL,
    max_concurrency integer NOT NULL,
    anchor timestamptz NOT NULL,
    since timestamptz NOT NULL,
    next_at timestamptz,
    revision integer NOT NULL DEFAULT 0,
    fired integer NOT NULL DEFAULT 0,
    last_run_id uuid,
    last_scheduled_at timestamptz,
    last_error jsonb,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX recurring_run_due ON recurring_run (next_at) WHERE enabled AND next_at IS NOT NULL;
