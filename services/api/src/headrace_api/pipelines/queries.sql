-- insert_pipeline --
-- A new pipeline, unless the name is taken.
INSERT INTO pipeline (pipeline_id, namespace, name, display_name, description, tags, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
RETURNING *

-- pipeline_by_id --
-- One pipeline, if it is in one of these namespaces.
SELECT * FROM pipeline WHERE pipeline_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))

-- hold_pipeline --
-- One pipeline, if it is in one of these namespaces; it cannot be deleted until the commit.
SELECT * FROM pipeline WHERE pipeline_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))
FOR KEY SHARE

-- lock_pipeline --
-- One pipeline, if it is in one of these namespaces; it cannot be changed until the commit.
SELECT * FROM pipeline WHERE pipeline_id = $1 AND ($2::text[] IS NULL OR namespace = ANY($2))
FOR UPDATE

-- pipeline_by_name --
-- Names are unique in a namespace.
SELECT * FROM pipeline WHERE namespace = $1 AND name = $2

-- pipelines --
-- One page of the list.
SELECT *, {sort} AS place FROM pipeline WHERE {where} ORDER BY {order} LIMIT {limit}

-- count_pipelines --
-- The length of the whole list.
SELECT count(*) FROM pipeline WHERE {where}

-- update_pipeline --
-- NULL leaves a field as it is. The flag says whether to set the limit, which NULL removes.
UPDATE pipeline SET
    display_name = coalesce($2, display_name), description = coalesce($3, description),
    tags = coalesce($4::jsonb, tags),
    max_active_runs = CASE WHEN $5::boolean THEN $6::integer ELSE max_active_runs END
WHERE pipeline_id = $1
RETURNING *

-- has_versions --
-- Whether the pipeline has versions.
SELECT EXISTS (SELECT FROM pipeline_version WHERE pipeline_id = $1)

-- delete_pipeline --
-- Delete a pipeline; the foreign key deletes its versions.
DELETE FROM pipeline WHERE pipeline_id = $1

-- insert_version --
-- A new version, unless the name is taken.
INSERT INTO pipeline_version (
    pipeline_version_id, pipeline_id, name, display_name, description, tags, package_url,
    code_source_url, document, created_at
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
RETURNING *

-- version_by_id --
-- One version of a pipeline, if the pipeline is in one of these namespaces.
SELECT * FROM pipeline_version
WHERE pipeline_id = $1 AND pipeline_version_id = $2 AND EXISTS (
    SELECT FROM pipeline WHERE pipeline_id = $1 AND ($3::text[] IS NULL OR namespace = ANY($3))
)

-- version_by_name --
-- One version of a pipeline; without a name, the newest.
SELECT * FROM pipeline_version
WHERE pipeline_id = $1 AND ($2::text IS NULL OR name = $2) AND EXISTS (
    SELECT FROM pipeline WHERE pipeline_id = $1 AND ($3::text[] IS NULL OR namespace = ANY($3))
)
ORDER BY pipeline_version_id DESC LIMIT 1

-- versions --
-- One page of the list, without the documents.
SELECT
    pipeline_version_id, pipeline_id, name, display_name, description, tags, package_url,
    code_source_url, created_at, {sort} AS place
FROM pipeline_version WHERE {where} ORDER BY {order} LIMIT {limit}

-- count_versions --
-- The length of the whole list.
SELECT count(*) FROM pipeline_version WHERE {where}

-- update_version --
-- NULL leaves a field as it is.
UPDATE pipeline_version SET
    display_name = coalesce($3, display_name), description = coalesce($4, description),
    tags = coalesce($5::jsonb, tags)
WHERE pipeline_id = $1 AND pipeline_version_id = $2
RETURNING *

-- delete_version --
-- Delete a version; submitted runs have their own copy of the spec.
DELETE FROM pipeline_version WHERE pipeline_id = $1 AND pipeline_version_id = $2
RETURNING pipeline_version_id
