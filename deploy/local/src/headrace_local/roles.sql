-- Run by psql at each start, with a variable for each password; creates missing roles and schemas.
SELECT 'CREATE DATABASE headrace' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'headrace') \gexec
\connect headrace
BEGIN; -- a service that connects meanwhile sees either nothing or everything
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON DATABASE headrace FROM PUBLIC;
SELECT format('CREATE ROLE %I LOGIN', name)
FROM unnest(ARRAY['api', 'scheduler', 'executor', 'recorder']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE api PASSWORD :'api';
ALTER ROLE scheduler PASSWORD :'scheduler';
ALTER ROLE executor PASSWORD :'executor';
ALTER ROLE recorder PASSWORD :'recorder';
SELECT format('GRANT CONNECT ON DATABASE headrace TO %I', name)
FROM unnest(ARRAY['api', 'scheduler', 'executor', 'recorder']) AS name \gexec
SELECT format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', name, name)
FROM unnest(ARRAY['api', 'scheduler', 'executor', 'recorder']) AS name \gexec
CREATE SCHEMA IF NOT EXISTS extensions; -- only the superuser may create these; all services use them
GRANT USAGE ON SCHEMA extensions TO api, scheduler, executor, recorder;
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA extensions;
-- Earlier versions gave the gateway a role, with a schema that held nothing but empty tables.
SELECT 'DROP OWNED BY ui_gateway CASCADE' WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = 'ui_gateway') \gexec
DROP ROLE IF EXISTS ui_gateway;
COMMIT;
