-- hold_key --
-- Let requests with the same key wait for each other, to the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended(concat_ws(chr(1), $1::text, $2::text, $3::text), 0))

-- made_by_key --
-- What a key has made, and the request that it was used for.
SELECT fingerprint, made FROM request_key WHERE namespace = $1 AND kind = $2 AND key = $3

-- keep_key --
-- A key has made something.
INSERT INTO request_key (namespace, kind, key, fingerprint, made, made_at)
VALUES ($1, $2, $3, $4, $5, $6)
