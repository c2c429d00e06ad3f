SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '5s';

-- Where the latest attempt runs or ran.
ALTER TABLE task ADD COLUMN place text;
