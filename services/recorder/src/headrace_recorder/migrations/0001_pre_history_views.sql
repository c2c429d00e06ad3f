SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '5s';

CREATE TABLE history (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL,
    run_id uuid,
    type text NOT NULL,
    at timestamptz NOT NULL,
    body jsonb NOT NULL
);

CREATE INDEX history_of_run ON history (run_id, seq);

CREATE TABLE run (
    run_id uuid PRIMARY KEY,
    version bigint NOT NULL DEFAULT 1,
    namespace text,
    experiment_id uuid,
    created_at timestamptz,
    state text NOT NULL,
    submission jsonb,
    history jsonb NOT NULL,
    failure jsonb,
    outputs jsonb
) WITH (fillfactor = 80);

CREATE INDEX run_in_namespace ON run (namespace, created_at DESC, run_id DESC);
CREATE INDEX run_in_experiment ON run (experiment_id, created_at DESC, run_id DESC);
CREATE INDEX run_in_state ON run (namespace, state, created_at DESC, run_id DESC);

CREATE TABLE task (
    task_id uuid PRIMARY KEY,
    run_id uuid NOT NULL,
    version bigint NOT NULL,
    position integer NOT NULL,
    state text NOT NULL,
    attempt integer NOT NULL,
    rank double precision NOT NULL,
    plan jsonb,
    detail text,
    inputs jsonb,
    outputs jsonb,
    failure jsonb,
    log text,
    log_attempt integer NOT NULL,
    created_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz
) WITH (fillfactor = 80);

CREATE INDEX task_of_run ON task (run_id, position);

CREATE TABLE artifact (
    artifact_id uuid PRIMARY KEY,
    run_id uuid NOT NULL,
    task_id uuid NOT NULL,
    output text NOT NULL,
    name text NOT NULL,
    type text,
    uri text NOT NULL,
    metadata jsonb NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE INDEX artifact_of_run ON artifact (run_id);

CREATE TABLE artifact_use (
    task_id uuid NOT NULL,
    artifact_id uuid NOT NULL,
    input text NOT NULL,
    PRIMARY KEY (artifact_id, task_id, input)
);

CREATE TABLE metric (
    run_id uuid NOT NULL,
    task_id uuid NOT NULL,
    name text NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (run_id, name, task_id)
);
