SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '5s';

CREATE TABLE experiment (
    experiment_id uuid PRIMARY KEY,
    namespace text NOT NULL,
    display_name text NOT NULL,
    description text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (namespace, display_name)
);

CREATE TABLE pipeline (
    pipeline_id uuid PRIMARY KEY,
    namespace text NOT NULL,
    name text NOT NULL,
    display_name text NOT NULL,
    description text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (namespace, name)
);

CREATE TABLE pipeline_version (
    pipeline_version_id uuid PRIMARY KEY,
    pipeline_id uuid NOT NULL REFERENCES pipeline ON DELETE CASCADE,
    name text NOT NULL,
    display_name text NOT NULL,
    description text NOT NULL,
    document jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (pipeline_id, name)
);

CREATE TABLE spec (
    digest text PRIMARY KEY,
    bytes bigint NOT NULL
);

CREATE TABLE run (
    run_id uuid PRIMARY KEY,
    namespace text NOT NULL,
    submission jsonb NOT NULL,
    idempotency_key text,
    request_digest text NOT NULL,
    UNIQUE (namespace, idempotency_key)
);
