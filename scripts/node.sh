#!/usr/bin/env bash
# See to it that there is a Node that the pages can be built with: the system's, else the one of a Python package.
set -euo pipefail
python=$1

# What Vite needs: ^20.19 or >= 22.12.
good() {
    node -e 'const [a, b] = process.versions.node.split(".").map(Number);
             process.exit(a > 22 || (a == 22 && b >= 12) || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null &&
        npm --version >/dev/null 2>&1
}

if ! good; then
    echo "setup: no Node 20.19, 22.12 or newer with npm here; installing one into the virtual environment"
    "$python" -m pip install --quiet --disable-pip-version-check -r requirements/node.txt
    hash -r
    good || { echo "setup: Node does not run. Install it by: sudo apt-get install -y nodejs npm" >&2; exit 1; }
fi
