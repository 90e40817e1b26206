#!/usr/bin/env bash
# Pin the dependencies of pyproject.toml in requirements/, for every Python that netty runs on, without the address of
# an index. Versions that are pinned already stay, unless UPGRADE=yes.
set -euo pipefail
python -m pip install --quiet --disable-pip-version-check uv
options=(--universal --python-version 3.11 --no-header --no-emit-index-url --quiet)
[[ ${UPGRADE:-} == yes ]] && options+=(--upgrade)

uv pip compile "${options[@]}" pyproject.toml -o requirements/runtime.txt
for group in test build fuzz node; do
    uv pip compile "${options[@]}" -c requirements/runtime.txt --group "$group" -o "requirements/$group.txt"
done
echo "requirements: $(cat requirements/*.txt | grep -c ==) versions pinned"
