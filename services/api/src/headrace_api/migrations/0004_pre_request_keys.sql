SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '5s';

CREATE TABLE request_key (
    namespace text NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    made uuid NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (namespace, kind, key)
);
