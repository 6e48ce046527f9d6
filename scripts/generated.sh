#!/usr/bin/env bash
# Files that are generated and committed: .sqlx (what the database says of every query), the API document, .env.example.
#   scripts/generated.sh           writes them
#   scripts/generated.sh --check   fails if they differ from what the code says
set -euo pipefail
cd "$(dirname "$0")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

# `with-database` runs a command with DATABASE_URL set to a throw-away cluster that has just been migrated.
# After a query has changed, .sqlx can't build the program yet; the one built before will do.
SQLX_OFFLINE=true cargo build --quiet --locked --bin chartwell || [ -x target/debug/chartwell ]
mkdir "$fresh/sqlx"
target/debug/chartwell with-database -- bash -c '
    export SQLX_OFFLINE=false SQLX_OFFLINE_DIR='"$fresh"'/sqlx
    touch src/*/lib.rs src/lib.rs
    cargo check --quiet --workspace --locked
'
SQLX_OFFLINE=true SQLX_OFFLINE_DIR="$fresh/sqlx" cargo build --quiet --locked --bin chartwell
target/debug/chartwell openapi > "$fresh/openapi.json"
target/debug/chartwell example-environment > "$fresh/env"

if [ "${1:-}" = --check ]; then
    # One command a line: in a list, a difference would not end the script.
    diff -r .sqlx "$fresh/sqlx"
    diff openapi/chartwell.v1.json "$fresh/openapi.json"
    diff .env.example "$fresh/env"
    echo "generated files are current"
else
    rm -rf .sqlx && cp -r "$fresh/sqlx" .sqlx
    cp "$fresh/openapi.json" openapi/chartwell.v1.json
    cp "$fresh/env" .env.example
fi
