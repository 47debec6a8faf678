#!/bin/sh
# Runs once, when the database is made: the role of web and worker, which owns nothing.
set -e
psql -v ON_ERROR_STOP=1 -v password="$APP_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE throughline_app LOGIN PASSWORD :'password';
SQL
