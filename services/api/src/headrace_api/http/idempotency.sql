-- lock_key --
-- Requests with the same key run one after the other: the lock is held until the commit.
SELECT pg_advisory_xact_lock(hashtextextended(concat_ws(chr(1), $1::text, $2::text, $3::text), 0))

-- resource_of_key --
-- The resource that a request with this key created, and the fingerprint of that request.
SELECT fingerprint, made FROM request_key WHERE namespace = $1 AND kind = $2 AND key = $3

-- insert_key --
-- Record the resource that a request with this key created.
INSERT INTO request_key (namespace, kind, key, fingerprint, made, made_at)
VALUES ($1, $2, $3, $4, $5, now())
