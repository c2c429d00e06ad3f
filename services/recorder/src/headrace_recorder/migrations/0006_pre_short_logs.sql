SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '5s';

-- A log of a few lines; a longer one is in the object store.
ALTER TABLE task ADD COLUMN log_text text;
