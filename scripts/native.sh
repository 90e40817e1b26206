#!/usr/bin/env bash
# Compile netty's native parts into the virtual environment of the Python $1, where there is a C compiler with Python's
# headers. Without them netty does the same, more slowly, and this says so.
set -uo pipefail
python=$1
log=.setup/native.log
mkdir -p .setup
compiler=$("$python" -c 'import sysconfig; print((sysconfig.get_config_var("CC") or "cc").split()[0])')
headers=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')/Python.h
"$python" -m pip uninstall --quiet --disable-pip-version-check --yes happy-netty-native >/dev/null 2>&1
if ! command -v "$compiler" >/dev/null; then
    echo "setup: netty runs without its native parts: there is no C compiler ($compiler)"
elif [[ ! -e $headers ]]; then
    echo "setup: netty runs without its native parts: $headers is not there (python3-dev)"
elif ! "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation ./native >"$log" 2>&1; then
    tail -n 20 "$log"
    echo "setup: the native parts do not compile ($log)"
    exit 1
fi
