SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '60s';

-- The columns pid and pid_started are not used from here on. They stay, so that an executor of the
-- version before runs on this schema.
ALTER TABLE launch
ADD COLUMN handle jsonb,
ADD COLUMN owner text,
ADD COLUMN epoch bigint NOT NULL DEFAULT 0,
-- An executor with another name had the launch before. Stored, since an executor that took a launch
-- over may itself restart before it has reported the attempt.
ADD COLUMN is_foreign boolean NOT NULL DEFAULT false;

CREATE TABLE owner_lease (
    owner text PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

CREATE TABLE pending_clean (
    owner text NOT NULL,
    run_id uuid NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, run_id)
);

-- Few launches match, and writers wait for as long as one scan of the table takes.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX launch_canceled ON launch (owner) WHERE cancel_requested AND state <> 'ENDED';
