-- insert_pipeline --
-- A new pipeline, unless the name is taken.
INSERT INTO pipeline (pipeline_id, namespace, name, display_name, description, tags, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
RETURNING *

-- pipeline_by_id --
-- One pipeline, if it is in one of these namespaces.
SELECT * FROM pipeline WHERE pipeline_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))

-- hold_pipeline --
-- The same, and it stays until the transaction ends.
SELECT * FROM pipeline WHERE pipeline_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))
FOR KEY SHARE

-- lock_pipeline --
-- The same, for a change of it.
SELECT * FROM pipeline WHERE pipeline_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))
FOR UPDATE

-- pipeline_by_name --
-- Names are unique in a namespace.
SELECT * FROM pipeline WHERE namespace = $1 AND name = $2

-- pipelines --
-- A page.
SELECT *, {sort} AS place FROM pipeline WHERE {where} ORDER BY {order} LIMIT {limit}

-- count_pipelines --
-- How many the whole list has.
SELECT count(*) FROM pipeline WHERE {where}

-- update_pipeline --
-- NULL leaves a field as it is; the limit is set, or lifted with NULL, if the flag says so.
UPDATE pipeline SET
    display_name = coalesce($2, display_name), description = coalesce($3, description),
    tags = coalesce($4::jsonb, tags),
    max_active_runs = CASE WHEN $5::boolean THEN $6::integer ELSE max_active_runs END
WHERE pipeline_id = $1
RETURNING *

-- has_versions --
-- Whether the pipeline has any.
SELECT EXISTS (SELECT FROM pipeline_version WHERE pipeline_id = $1)

-- delete_pipeline --
-- Its versions go with it.
DELETE FROM pipeline WHERE pipeline_id = $1

-- insert_version --
-- A new version, unless the pipeline has one of this name.
INSERT INTO pipeline_version (
    pipeline_version_id, pipeline_id, name, display_name, description, tags, package_url,
    code_source_url, document, created_at
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
RETURNING *

-- version_by_id --
-- One version of a pipeline, if that is in one of these namespaces.
SELECT * FROM pipeline_version
WHERE pipeline_id = $1 AND pipeline_version_id = $2 AND EXISTS (
    SELECT FROM pipeline WHERE pipeline_id = $1 AND ($3::text[] IS NULL OR namespace = ANY($3))
)

-- version_by_name --
-- One version of a pipeline, the newest when no name is given.
SELECT * FROM pipeline_version
WHERE pipeline_id = $1 AND ($2::text IS NULL OR name = $2) AND EXISTS (
    SELECT FROM pipeline WHERE pipeline_id = $1 AND ($3::text[] IS NULL OR namespace = ANY($3))
)
ORDER BY pipeline_version_id DESC LIMIT 1

-- versions --
-- A page, without the documents.
SELECT
    pipeline_version_id, pipeline_id, name, display_name, description, tags, package_url,
    code_source_url, created_at, {sort} AS place
FROM pipeline_version WHERE {where} ORDER BY {order} LIMIT {limit}

-- count_versions --
-- How many the whole list has.
SELECT count(*) FROM pipeline_version WHERE {where}

-- update_version --
-- NULL leaves a field as it is.
UPDATE pipeline_version SET
    display_name = coalesce($3, display_name), description = coalesce($4, description),
    tags = coalesce($5::jsonb, tags)
WHERE pipeline_id = $1 AND pipeline_version_id = $2
RETURNING *

-- delete_version --
-- Runs that were submitted of it have a copy of their own.
DELETE FROM pipeline_version WHERE pipeline_id = $1 AND pipeline_version_id = $2
RETURNING pipeline_version_id
