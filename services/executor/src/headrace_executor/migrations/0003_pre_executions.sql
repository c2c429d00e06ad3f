SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '60s';

-- The execution that was claimed last. A new launch has the first one, which its owner may start
-- without a further statement.
ALTER TABLE launch ADD COLUMN execution integer NOT NULL DEFAULT 1;

-- Old launches are purged by their end. Writers wait for as long as one scan of the table takes.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX launch_ended ON launch (ended_at) WHERE state = 'ENDED';
