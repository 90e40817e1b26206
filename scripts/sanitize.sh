#!/usr/bin/env bash
# Run the tests of the native parts with a build that stops at any access outside a buffer and at undefined behaviour.
set -uo pipefail
python=$1
folder=.setup/sanitized log=.setup/sanitize.log
compiler=$("$python" -c 'import sysconfig; print((sysconfig.get_config_var("CC") or "cc").split()[0])')
library=$("$compiler" -print-file-name=libasan.so 2>/dev/null)
if [[ ! -e $library ]]; then
    echo "test-native: skipped: $compiler has no address sanitizer here"
    exit 0
fi
rm -rf "$folder"
CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g" LDFLAGS="-fsanitize=address,undefined" \
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --target "$folder" ./native >"$log" 2>&1 || {
    tail -n 20 "$log"
    echo "test-native: the native parts do not compile ($log)"
    exit 1
}
# Python itself keeps memory to its end, which is no leak of ours.
LD_PRELOAD=$library ASAN_OPTIONS=detect_leaks=0 PYTHONPATH=$folder \
    "$python" -m pytest -q -n 0 -p no:cacheprovider tests/native 2>&1 </dev/null | tee "$log"
status=${PIPESTATUS[0]}
((status == 0)) && echo "test-native: ok: $(tail -n 1 "$log"), with sanitizers for addresses and undefined behaviour"
exit "$status"
