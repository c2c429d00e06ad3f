-- stage_messages --
-- Add messages to the outbox; a message that is already there is not changed.
INSERT INTO outbox (event_id, subject, headers, body)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::bytea[])
ON CONFLICT (event_id) DO NOTHING

-- mark_published --
-- Mark messages that the bus has acknowledged.
UPDATE outbox SET published_at = now() WHERE event_id = ANY($1::uuid[]) AND published_at IS NULL

-- unpublished --
-- Messages committed some time ago and not published: their process ended or lost the bus.
SELECT event_id, subject, headers, body FROM outbox
WHERE published_at IS NULL AND created_at < now() - $1::interval
ORDER BY id LIMIT 500

-- purge_outbox --
-- Delete messages that were published long ago.
DELETE FROM outbox WHERE published_at < now() - $1::interval

-- admit --
-- Record message ids and return those that are new to this consumer.
INSERT INTO inbox (consumer, message_id)
SELECT $1::text, message_id FROM unnest($2::text[]) AS message_id
ON CONFLICT DO NOTHING
RETURNING message_id

-- purge_inbox --
-- Delete ids that are too old to be redelivered.
DELETE FROM inbox WHERE received_at < now() - $1::interval

-- time --
-- The time by the clock of the server.
SELECT clock_timestamp()

-- ping --
-- Check the connection.
SELECT 1
