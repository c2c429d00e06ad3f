-- squawk-ignore-file require-concurrent-index-creation
SET LOCAL lock_timeout = '4s';
SET LOCAL statement_timeout = '10min';

-- Who still uses what lies in a place. A URI may be longer than an entry of an ordered index.
CREATE INDEX artifact_in_place ON artifact (left(uri, 500) COLLATE "C");
