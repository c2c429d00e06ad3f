-- lock_schema --
-- One migration at a time; the transaction holds the lock.
SELECT pg_advisory_xact_lock(hashtextextended('headrace-migrate-' || current_schema(), 0))

-- create_migration_table --
-- The migrations that were applied to this schema.
CREATE TABLE IF NOT EXISTS migration (
    name text PRIMARY KEY,
    digest text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)

-- applied --
-- The applied migrations, with the digests of their files.
SELECT name, digest FROM migration

-- record --
-- Record an applied migration.
INSERT INTO migration (name, digest) VALUES ($1, $2)
