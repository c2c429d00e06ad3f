SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '5s';

CREATE TABLE run (
    run_id uuid PRIMARY KEY,
    version bigint NOT NULL DEFAULT 1,
    state text NOT NULL,
    submission jsonb NOT NULL,
    failure jsonb,
    cancel_reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);

CREATE TABLE task (
    task_id uuid PRIMARY KEY,
    run_id uuid NOT NULL REFERENCES run ON DELETE CASCADE,
    name text NOT NULL,
    state text NOT NULL,
    attempt integer NOT NULL,
    lost integer NOT NULL,
    outputs jsonb NOT NULL,
    failure jsonb,
    heard_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);

CREATE INDEX task_by_run ON task (run_id);
CREATE INDEX task_launched ON task (heard_at) WHERE state = 'READY';
