#!/bin/sh
# Makes the virtual environment in $1 with the tools that install all else, on a machine that has nothing but a Python.
set -eu
venv=$1

fail() {
    printf '\n%s\n' "$*" >&2
    exit 1
}

# The upper bound is that of the wheels we lock: for a newer Python they would have to be compiled.
is_suitable() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 && is_suitable "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
}

if [ -x "$venv/bin/python" ] && is_suitable "$venv/bin/python"; then
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip --default-pip >/dev/null 2>&1 ||
        fail "The environment in $venv has no pip and none could be put in. Remove it and try again: rm -rf $venv"
else
    python=$(find_python)
    [ -n "$python" ] || fail "Deskhand is set up with Python 3.11, 3.12, 3.13 or 3.14. Install one of them, or say where it is: make PYTHON=/path/to/python3.12 …"
    echo "Making a virtual environment with $("$python" --version)"
    rm -rf "$venv"
    "$python" -m venv "$venv" >/dev/null 2>&1 ||
        fail "$python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv. Elsewhere: install a full Python."
fi

sh tools/fetch.sh "the installer" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    --only-binary :all: -r requirements/bootstrap.txt
