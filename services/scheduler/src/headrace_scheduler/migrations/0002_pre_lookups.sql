-- squawk-ignore-file require-concurrent-index-creation
SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '10min';

-- Tasks that wait for the answer to a cache lookup: nothing else makes a pending task have a
-- fingerprint. Few at any time.
CREATE INDEX task_looked_up ON task (heard_at) WHERE state = 'PENDING' AND fingerprint IS NOT NULL;
