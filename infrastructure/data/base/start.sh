# Makes the cluster of databases on first start, brings roles in line with the Secrets on every start, then serves.
set -euo pipefail
PATH=/usr/lib/postgresql/15/bin:$PATH
umask 077

# postmaster.pid names a process number of a container that is gone, and may be one of ours now: the lock, held as long as any
# process of this server lives, tells what the file cannot.
exec 9> "${PGDATA%/*}/lock"
flock --nonblock 9 || { echo "another server still uses $PGDATA; it must end first" >&2; exit 1; }
rm -f "$PGDATA/postmaster.pid"

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # Built beside its place and moved there whole: an interrupted start leaves nothing half made.
    rm -rf "$PGDATA.new"
    initdb --pgdata="$PGDATA.new" --username=postgres --encoding=UTF8 --locale=C.UTF-8 --data-checksums \
        --auth-local=scram-sha-256 --auth-host=scram-sha-256 --pwfile=<(printf '%s\n' "$SUPERUSER_PASSWORD")
    echo 'host all all all scram-sha-256' >> "$PGDATA.new/pg_hba.conf"
    mv "$PGDATA.new" "$PGDATA"
fi

# Single-user mode needs no password and no port: nobody connects before roles and passwords are right.
quote() { printf "'%s'" "${1//\'/\'\'}"; }
name() { printf '"%s"' "${1//\"/\"\"}"; }
single() { postgres --single -D "$PGDATA" -c log_min_messages=error postgres; }
exists() { single <<< "$1" | grep -q '= "1"'; }
exists "SELECT 1 FROM pg_roles WHERE rolname = $(quote "$CATALOG_USER")" \
    || single <<< "CREATE ROLE $(name "$CATALOG_USER") LOGIN" > /dev/null
exists "SELECT 1 FROM pg_database WHERE datname = $(quote "$CATALOG_DATABASE")" \
    || single <<< "CREATE DATABASE $(name "$CATALOG_DATABASE") OWNER $(name "$CATALOG_USER")" > /dev/null
single <<< "ALTER ROLE postgres PASSWORD $(quote "$SUPERUSER_PASSWORD")" > /dev/null
single <<< "ALTER ROLE $(name "$CATALOG_USER") PASSWORD $(quote "$CATALOG_PASSWORD")" > /dev/null

# Small on purpose: both regions of a rehearsal share one machine.
exec postgres -D "$PGDATA" -c listen_addresses='*' -c shared_buffers=32MB -c max_connections=60
