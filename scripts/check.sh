#!/usr/bin/env bash
# Check format, lint and types of everything; one line says at the end what fell short.
set -uo pipefail
wrong=()

check() {
    local name=$1 output
    shift
    if ! output=$("$@" 2>&1); then
        printf '%s\n' "--- $name: $*" "$output"
        wrong+=("$name")
    fi
}

check format ruff format --check .
check lint ruff check .
check types mypy --strict
check types mypy --strict -p bench
check pages npm --prefix frontend run --silent check
for script in scripts/*.sh .ci/run; do
    check shell bash -n "$script"
done

if ((${#wrong[@]})); then
    echo "check: FAILED: ${wrong[*]}"
    exit 1
fi
echo "check: ok: format, lint, types, pages, shell"
