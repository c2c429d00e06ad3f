-- lock_schema --
-- One migrator at a time; the lock goes with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('headrace-migrate-' || current_schema(), 0))

-- create_migration_table --
-- Which migrations this schema has seen.
CREATE TABLE IF NOT EXISTS migration (
    name text PRIMARY KEY,
    digest text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)

-- applied --
-- What was applied, with the digest of its text.
SELECT name, digest FROM migration

-- record --
-- Remember one migration.
INSERT INTO migration (name, digest) VALUES ($1, $2)
