#!/usr/bin/env bash
# Run the tests, with the programs that they test against; one line says at the end how it went.
set -uo pipefail
export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C.UTF-8
log=.setup/test.log
mkdir -p .setup

scripts/programs.sh | tee .setup/programs.log
programs=$(<.setup/programs.log)
# A file's tests share what they start: one worker runs them all (pytest 9.2 and xdist 3.8 lose --dist loadgroup's marks).
python -m pytest --dist loadfile "$@" 2>&1 </dev/null | tee "$log"
status=${PIPESTATUS[0]}

counted=$(tail -n 1 "$log" | sed -E 's/\x1b\[[0-9;]*m//g; s/^=+ *//; s/ *=+$//')
[[ $programs == *"not installed"* ]] && counted+="; $(grep -o '[^:]*not installed' <<<"$programs" | sed 's/^ *//')"
if ((status == 0)); then
    echo "test: ok: $counted"
else
    echo "test: FAILED: $counted"
fi
exit "$status"
