SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '5s';

CREATE TABLE run (
    run_id uuid PRIMARY KEY,
    version bigint NOT NULL DEFAULT 1,
    namespace text NOT NULL,
    pipeline text NOT NULL,
    priority integer NOT NULL,
    state text NOT NULL,
    header jsonb NOT NULL,
    deadline_at timestamptz,
    submission jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);

CREATE INDEX run_queued ON run (namespace, priority DESC, created_at) WHERE state = 'PENDING';
CREATE INDEX run_active ON run (namespace, pipeline)
    WHERE state IN ('RUNNING', 'PAUSED', 'CANCELING');
CREATE INDEX run_deadline ON run (deadline_at) WHERE state IN ('RUNNING', 'PAUSED');
CREATE INDEX run_deleted ON run (updated_at) WHERE submission IS NULL;

CREATE TABLE task (
    task_id uuid PRIMARY KEY,
    run_id uuid NOT NULL REFERENCES run ON DELETE CASCADE,
    parent_id uuid,
    path text NOT NULL,
    name text NOT NULL,
    iteration integer,
    state text NOT NULL,
    attempt integer NOT NULL,
    retries integer NOT NULL,
    lost integer NOT NULL,
    due_at timestamptz,
    unreached boolean NOT NULL,
    inputs jsonb NOT NULL,
    outputs jsonb NOT NULL,
    failure jsonb,
    fingerprint text,
    heard_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);

CREATE INDEX task_by_run ON task (run_id);
CREATE INDEX task_launched ON task (heard_at) WHERE state = 'READY';
CREATE INDEX task_due ON task (due_at) WHERE state = 'WAITING';

CREATE TABLE cache_entry (
    namespace text NOT NULL,
    pipeline text NOT NULL,
    fingerprint text NOT NULL,
    run_id uuid NOT NULL,
    task_id uuid NOT NULL,
    outputs jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (namespace, pipeline, fingerprint)
);

CREATE TABLE reusable (
    run_id uuid NOT NULL REFERENCES run ON DELETE CASCADE,
    path text NOT NULL,
    fingerprint text,
    from_run_id uuid NOT NULL,
    from_task_id uuid NOT NULL,
    outputs jsonb NOT NULL,
    PRIMARY KEY (run_id, path)
);
