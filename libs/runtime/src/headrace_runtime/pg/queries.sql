-- stage_messages --
-- Messages become part of the transaction; an event that was staged before is left alone.
INSERT INTO outbox (event_id, subject, headers, body)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::bytea[])
ON CONFLICT (event_id) DO NOTHING

-- mark_published --
-- The server has acknowledged these.
UPDATE outbox SET published_at = now() WHERE event_id = ANY($1::uuid[]) AND published_at IS NULL

-- unpublished --
-- Committed but not acknowledged for a while: the process that staged them died or was cut off.
SELECT event_id, subject, headers, body FROM outbox
WHERE published_at IS NULL AND created_at < now() - $1::interval
ORDER BY id LIMIT 500

-- purge_outbox --
-- Kept for a while after publication, to publish again should the bus lose its disk.
DELETE FROM outbox WHERE published_at < now() - $1::interval

-- admit --
-- The message ids that this consumer has not handled yet.
INSERT INTO inbox (consumer, message_id)
SELECT $1::text, message_id FROM unnest($2::text[]) AS message_id
ON CONFLICT DO NOTHING
RETURNING message_id

-- purge_inbox --
-- Older than any redelivery can be.
DELETE FROM inbox WHERE received_at < now() - $1::interval

-- ping --
-- Does Postgres answer?
SELECT 1
