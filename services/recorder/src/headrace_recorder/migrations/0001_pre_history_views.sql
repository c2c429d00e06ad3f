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
    revision integer NOT NULL,
    submission jsonb,
    recurring_run_id uuid,
    history jsonb NOT NULL,
    failure jsonb,
    outputs jsonb,
    archived boolean NOT NULL,
    archived_at timestamptz,
    deleted boolean NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX run_in_namespace ON run (namespace, created_at DESC, run_id DESC);
CREATE INDEX run_in_experiment ON run (experiment_id, created_at DESC, run_id DESC);
CREATE INDEX run_of_recurring ON run (recurring_run_id, created_at DESC, run_id DESC)
    WHERE recurring_run_id IS NOT NULL;
CREATE INDEX run_in_state ON run (namespace, state, created_at DESC, run_id DESC);

CREATE TABLE task (
    task_id uuid PRIMARY KEY,
    run_id uuid NOT NULL,
    version bigint NOT NULL,
    plan jsonb,
    state text NOT NULL,
    attempt integer NOT NULL,
    rank double precision NOT NULL,
    detail text,
    inputs jsonb,
    inputs_attempt integer NOT NULL,
    outputs jsonb,
    failure jsonb,
    origin jsonb,
    fingerprint jsonb,
    log text,
    log_attempt integer NOT NULL,
    created_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz
) WITH (fillfactor = 80);

CREATE INDEX task_of_run ON task (run_id);
CREATE INDEX task_of_component ON task ((plan ->> 'component'), created_at DESC)
    WHERE fingerprint IS NOT NULL;

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
    run_id uuid NOT NULL,
    task_id uuid NOT NULL,
    artifact_id uuid NOT NULL,
    input text NOT NULL,
    PRIMARY KEY (artifact_id, task_id, input)
);

CREATE INDEX artifact_use_of_run ON artifact_use (run_id);

CREATE TABLE metric (
    run_id uuid NOT NULL,
    task_id uuid NOT NULL,
    name text NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (run_id, name, task_id)
);
