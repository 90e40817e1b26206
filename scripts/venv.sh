#!/usr/bin/env bash
# Make the virtual environment $2 with the Python $1, or with the newest one that will do. What is missing is named
# with the line that installs it.
set -euo pipefail
wanted=$1 folder=$2

# A name can stand in PATH and still not run (a version manager's shim), so each is asked.
new_enough() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2])' >/dev/null 2>&1; }
can_make() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }
has_headers() { [[ -e $("$1" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')/Python.h ]]; }

# Of one version the distribution's own comes first: it is built for speed, which one that a version manager has compiled
# mostly is not (netty then takes a tenth more processor time). But netty's native parts need a Python with its headers.
without_venv=""
for name in ${wanted:-python3.14 python3.13 python3.12 python3.11 python3}; do
    chosen=""
    for python in ${wanted:-"/usr/bin/$name" "$name"}; do
        new_enough "$python" || continue
        if can_make "$python"; then
            chosen=${chosen:-$python}
            has_headers "$python" && chosen=$python && break
        else
            without_venv=${without_venv:-$python}
        fi
    done
    if [[ -n $chosen ]]; then
        echo "setup: making $folder with $("$chosen" --version) ($(command -v "$chosen"))"
        rm -rf "$folder"
        exec "$chosen" -m venv "$folder"
    fi
done

if [[ -n $without_venv ]]; then
    version=$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "setup: $without_venv cannot make virtual environments. Install what lacks, then try again:" >&2
    echo "    sudo apt-get install -y python$version-venv" >&2
elif [[ -n $wanted ]]; then
    echo "setup: $wanted is not a Python 3.11 or newer." >&2
else
    echo "setup: there is no Python 3.11 or newer. Install one, then try again (or name one: make PYTHON=/path/to/python):" >&2
    echo "    sudo apt-get install -y python3 python3-venv" >&2
fi
exit 1
