-- Run by psql at each start, with one variable for each password: everything is made if missing.
SELECT 'CREATE DATABASE headrace' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'headrace') \gexec
\connect headrace
BEGIN; -- a service that connects meanwhile finds nothing or everything
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON DATABASE headrace FROM PUBLIC;
SELECT format('CREATE ROLE %I LOGIN', name)
FROM unnest(ARRAY['api', 'scheduler', 'executor', 'recorder', 'ui_gateway']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE api PASSWORD :'api';
ALTER ROLE scheduler PASSWORD :'scheduler';
ALTER ROLE executor PASSWORD :'executor';
ALTER ROLE recorder PASSWORD :'recorder';
ALTER ROLE ui_gateway PASSWORD :'ui_gateway';
SELECT format('GRANT CONNECT ON DATABASE headrace TO %I', name)
FROM unnest(ARRAY['api', 'scheduler', 'executor', 'recorder', 'ui_gateway']) AS name \gexec
SELECT format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', name, name)
FROM unnest(ARRAY['api', 'scheduler', 'executor', 'recorder', 'ui_gateway']) AS name \gexec
CREATE SCHEMA IF NOT EXISTS extensions; -- what only the superuser may make, for all services
GRANT USAGE ON SCHEMA extensions TO api, scheduler, executor, recorder, ui_gateway;
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA extensions;
COMMIT;
