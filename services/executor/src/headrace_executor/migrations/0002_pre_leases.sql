SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '60s';

-- The columns pid and pid_started are not used from here on. They stay, so that an executor of the
-- version before runs on this schema.
ALTER TABLE launch
ADD COLUMN handle jsonb,
ADD COLUMN owner text,
ADD COLUMN epoch bigint NOT NULL DEFAULT 0,
-- The first owner that lost the launch to another, and whether that owner has removed what the
-- launch left on its machine. Later owners of a launch never start it there.
ADD COLUMN taken_from text,
ADD COLUMN is_given_up boolean NOT NULL DEFAULT false;

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

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX launch_taken ON launch (taken_from) WHERE taken_from IS NOT NULL AND NOT is_given_up;
