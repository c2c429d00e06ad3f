SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '5s';

-- What the latest news of a run says. An end is shown, in `state`, with the ends of all its tasks.
ALTER TABLE run ADD COLUMN latest text;

-- Empty, and built in one quick look at the table.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX run_that_waits ON run (run_id) WHERE state <> latest;
