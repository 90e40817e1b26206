#!/usr/bin/env bash
# Run the fuzz tests round after round, with new cases each time, for so many seconds or until something is found.
set -uo pipefail
export LC_ALL=C.UTF-8
seconds=${1:-60}
log=.setup/fuzz.log tally=.setup/fuzz.jsonl
mkdir -p .setup
rm -f "$log" "$tally"
end=$((SECONDS + seconds)) rounds=0 times=${FUZZ_TIMES:-10}

while ((rounds == 0 || SECONDS < end)); do
    rounds=$((rounds + 1))
    if ! FUZZ_TIMES=$times FUZZ_TALLY=$tally python -m pytest -q --dist loadfile -n "${JOBS:-2}" tests/fuzz \
        </dev/null >"$log" 2>&1; then
        tail -n 60 "$log"
        echo "fuzz: FOUND something in round $rounds; $log says more. Put the input into tests/fuzz/corpus"
        exit 1
    fi
done
python - "$tally" <<'PY'
import collections
import json
import sys

tried = collections.Counter()
for line in open(sys.argv[1]):
    tried.update(json.loads(line))
for name, count in sorted(tried.items()):
    print(f"{count:>10}  {name}")
PY
echo "fuzz: ok: no finding in $rounds rounds, $SECONDS s"
