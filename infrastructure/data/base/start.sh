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

# A mount may have given the folder to the volume's group (fsGroup); PostgreSQL starts in none that others may write.
chmod 0700 "$PGDATA"

# Single-user mode needs no password and no port: nobody connects before roles and passwords are right.
databases=${DATABASES:-/databases} # a folder each, with the keys of its Secret as files
quote() { printf "'%s'" "${1//\'/\'\'}"; }
name() { printf '"%s"' "${1//\"/\"\"}"; }
single() { postgres --single -D "$PGDATA" -c log_min_messages=error postgres; }
there=$(single <<< "SELECT '<role ' || rolname || '>' FROM pg_roles UNION ALL SELECT '<database ' || datname || '>' FROM pg_database")
{
    echo "ALTER ROLE postgres PASSWORD $(quote "$SUPERUSER_PASSWORD")"
    for folder in "$databases"/*/; do
        user=$(< "$folder/PGUSER") password=$(< "$folder/PGPASSWORD") database=$(< "$folder/PGDATABASE")
        [[ $there == *"<role $user>"* ]] || echo "CREATE ROLE $(name "$user") LOGIN"
        echo "ALTER ROLE $(name "$user") PASSWORD $(quote "$password")"
        [[ $there == *"<database $database>"* ]] || echo "CREATE DATABASE $(name "$database") OWNER $(name "$user")"
    done
} | single > /dev/null

# Small on purpose: both regions of a rehearsal share one machine. Connections: pools of 4 in up to 4 pods of catalog and live, twice
# over while both colours run (64), 5 pods of order with 8 (40), 3 of worker with 5 (15), migrations, and room for a person.
exec postgres -D "$PGDATA" -c listen_addresses='*' -c shared_buffers=32MB -c max_connections=140
