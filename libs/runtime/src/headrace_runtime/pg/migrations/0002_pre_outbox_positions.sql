SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '60s';

ALTER TABLE outbox
ADD COLUMN stream text,
ADD COLUMN sequence bigint,
ADD COLUMN stream_identity text;

-- Their positions are not known; without this, they would all be published again.
DELETE FROM outbox WHERE published_at < now() - interval '1 hour';
