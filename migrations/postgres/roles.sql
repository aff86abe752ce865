-- Run once by a superuser, in the database that Veritrail is to have:
--   psql -d veritrail -v migrator_password=… -v service_password=… -f roles.sql
--
-- The owner of the tables never logs in. The migrator may become the owner, and is used by
-- `veritrail migrate` alone. The service has the grants that the migrations give it.

SELECT 'CREATE ROLE veritrail_owner NOLOGIN'
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'veritrail_owner') \gexec
SELECT 'CREATE ROLE veritrail_migrator LOGIN NOINHERIT IN ROLE veritrail_owner'
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'veritrail_migrator') \gexec
SELECT 'CREATE ROLE veritrail_service LOGIN NOBYPASSRLS'
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'veritrail_service') \gexec

ALTER ROLE veritrail_migrator PASSWORD :'migrator_password';
ALTER ROLE veritrail_service PASSWORD :'service_password';

SELECT format('GRANT CREATE ON DATABASE %I TO veritrail_owner', current_database()) \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO veritrail_migrator, veritrail_service', current_database()) \gexec
REVOKE ALL ON SCHEMA public FROM PUBLIC;
