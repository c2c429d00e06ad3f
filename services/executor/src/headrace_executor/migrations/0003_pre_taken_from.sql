SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '60s';

-- The first owner that lost the launch to another, and whether that owner has removed what the
-- launch left on its machine. Later owners of a launch never start it there.
ALTER TABLE launch
ADD COLUMN taken_from text,
ADD COLUMN is_given_up boolean NOT NULL DEFAULT false;

-- Few launches match, and writers wait for as long as one scan of the table takes.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX launch_taken ON launch (taken_from) WHERE taken_from IS NOT NULL AND NOT is_given_up;
