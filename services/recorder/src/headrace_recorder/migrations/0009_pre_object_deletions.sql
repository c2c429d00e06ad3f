-- squawk-ignore-file require-concurrent-index-creation
SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '5s';

-- Deleted runs whose objects have to be deleted from the object store. A loop works on them, outside
-- of the transaction that records the deletion.
CREATE TABLE object_deletion (
    run_id uuid PRIMARY KEY,
    -- Incremented by each request, so that a request during an attempt is not lost.
    requests bigint NOT NULL DEFAULT 1,
    -- Attempts so far; the pause before the next one grows with it.
    attempts integer NOT NULL DEFAULT 0,
    -- When the next attempt may start; during an attempt, when it counts as crashed.
    due_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX object_deletion_due ON object_deletion (due_at);
