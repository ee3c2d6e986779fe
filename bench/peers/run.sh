#!/bin/sh
# Compares the crate with its peers on the same bytes. Fetches them from crates.io, npm and PyPI on the first run; a tool
# that is missing is said in the output.
set -u
cd "$(dirname "$0")"
if [ ! -d node/node_modules ]; then
    (cd node && npm ci --ignore-scripts --no-audit --no-fund) || echo "npm: not installed, node will be missing"
fi
if [ ! -d python/.venv ]; then
    (cd python && python3 -m venv .venv && .venv/bin/pip install --quiet -r requirements.txt) \
        || echo "pip: not installed, python will be missing"
fi
cd rust
cargo run --release --locked "$@"
