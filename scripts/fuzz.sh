#!/usr/bin/env bash
# Fuzz round after round, with new cases each time, for so many seconds or until something is found: the tests in
# tests/fuzz with inputs of hypothesis, and the readers of bytes with those of a fuzzer that sees the code (atheris),
# where that installs. A whole run takes at least 20,000 spoilt files through receive and render.
set -uo pipefail
export LC_ALL=C.UTF-8 PYTHONPATH=tests
seconds=${1:-1800}
SECONDS=0 # bash counts on from what make passes down under this very name
log=.setup/fuzz.log folder=.setup/fuzz tally=.setup/fuzz.jsonl
whole_seconds=1800 whole_files=20000
mkdir -p "$folder"
rm -f "$log" "$tally" "$folder"/*-{crash,timeout,oom,leak,slow-unit}-*

guided=(codec command walk)
python -c 'import atheris' 2>/dev/null || {
    echo "fuzz: atheris does not install here, so only hypothesis makes inputs"
    guided=()
}

files_tried() {
    python -c 'import json, sys; print(sum(json.loads(line).get("picture", 0) for line in open(sys.argv[1])))' "$tally"
}

is_over() { ((SECONDS >= seconds && (seconds < whole_seconds || $(files_tried) >= whole_files))); }

found() {
    tail -n 60 "$log"
    echo "fuzz: FOUND something in round $rounds: $1; $log says more. Mend it, and put the input into tests/fuzz/corpus"
    exit 1
}

# Half of the time for hypothesis, a sixth for each target of the fuzzer that sees the code; short runs, short rounds.
rounds=0 times=${FUZZ_TIMES:-$((seconds < 600 ? 2 : 10))}
until ((rounds > 0)) && is_over; do
    rounds=$((rounds + 1)) began=$SECONDS
    FUZZ_TIMES=$times FUZZ_TALLY=$tally python -m pytest -q --dist loadfile -n "${JOBS:-2}" tests/fuzz \
        </dev/null >"$log" 2>&1 || found "hypothesis"
    took=$((SECONDS - began))
    for target in "${guided[@]}"; do
        python -m support.guided_fuzzing "$target" --seconds $((took / 3 + 2)) --folder "$folder" \
            </dev/null >"$log" 2>&1 || found "$target, input: $(ls "$folder/$target"-*-* 2>/dev/null)"
        sed -n "s/^stat::number_of_executed_units: *\([0-9]*\)$/{\"$target, guided\": \1}/p" "$log" >>"$tally"
    done
done
python - "$tally" <<'PY'
import collections
import json
import sys

tried = collections.Counter()
for line in open(sys.argv[1]):
    tried.update(json.loads(line))
for name, count in sorted(tried.items()):
    print(f"{count:>12,}  {name}")
PY
echo "fuzz: ok: no finding in $rounds rounds, $SECONDS s, $(files_tried) files"
