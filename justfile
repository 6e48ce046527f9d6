# The commands a developer types. `just` alone lists them.
default:
    @just --list

# Start everything with demo data
dev:
    cargo run --release -- dev

# The whole gate, as CI runs it
gate:
    bash .ci/run

# The tests
test:
    cargo test

# Write .sqlx anew from the migrations, and the API document from the code
generated:
    bash scripts/generated.sh

# Somebody else's opinion of the API document, and a client made from it (needs npm)
api-lint:
    npx --yes @redocly/cli lint openapi/chartwell.v1.json
    npx --yes openapi-typescript openapi/chartwell.v1.json --output target/client.ts
    npx --yes --package typescript tsc --noEmit --strict target/client.ts

# The rate of an import, and what the access log costs of it: `just import-rate FOLDER` of FHIR files
import-rate path:
    cargo bench --features bench --bench figures -- import --fhir {{path}}
