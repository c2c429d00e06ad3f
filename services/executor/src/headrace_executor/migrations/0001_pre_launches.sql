SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '5s';

CREATE TABLE launch (
    run_id uuid NOT NULL,
    task_id uuid NOT NULL,
    attempt integer NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL,
    command jsonb,
    cancel_requested boolean NOT NULL DEFAULT false,
    pid integer,
    pid_started bigint,
    started_at timestamptz,
    result jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    PRIMARY KEY (run_id, task_id, attempt)
) WITH (fillfactor = 80);

CREATE INDEX launch_open ON launch (position) WHERE state <> 'ENDED';
