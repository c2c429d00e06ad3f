-- stage_messages --
-- Add messages to the outbox; a message that is already there is not changed.
INSERT INTO outbox (event_id, subject, headers, body)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::bytea[])
ON CONFLICT (event_id) DO NOTHING

-- mark_published --
-- Mark messages that the bus has acknowledged, with their places in its streams.
UPDATE outbox SET
    published_at = now(), stream = place.stream, sequence = place.sequence,
    stream_identity = place.identity
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[])
    AS place (event_id, stream, sequence, identity)
WHERE outbox.event_id = place.event_id AND outbox.published_at IS NULL

-- unpublished --
-- Messages committed some time ago and not published: their process ended or lost the bus.
SELECT event_id, subject, headers, body FROM outbox
WHERE published_at IS NULL AND created_at < now() - $1::interval
ORDER BY id LIMIT 500

-- has_published --
-- Whether there are messages that the bus has acknowledged, and perhaps not all of their readers.
SELECT EXISTS (SELECT FROM outbox WHERE published_at IS NOT NULL)

-- unpublish --
-- Have the messages of a stream published again that another stream acknowledged, or nobody knows
-- which one.
UPDATE outbox SET published_at = NULL
WHERE published_at IS NOT NULL AND coalesce(stream, $1) = $1
    AND stream_identity IS DISTINCT FROM $2

-- delete_handled --
-- Delete the messages of a stream that all readers have acknowledged.
DELETE FROM outbox
WHERE published_at IS NOT NULL AND stream = $1 AND stream_identity = $2 AND sequence <= $3

-- admit --
-- Record message ids and return those that are new to this consumer.
INSERT INTO inbox (consumer, message_id)
SELECT $1::text, message_id FROM unnest($2::text[]) AS message_id
ON CONFLICT DO NOTHING
RETURNING message_id

-- purge_inbox --
-- Delete ids that are too old to be redelivered. The time when nothing was received does not count:
-- the bus waited too.
DELETE FROM inbox WHERE received_at < (SELECT max(received_at) FROM inbox) - $1::interval

-- time --
-- The time by the clock of the server.
SELECT clock_timestamp()

-- ping --
-- Check the connection.
SELECT 1
