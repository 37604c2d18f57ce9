#!/bin/sh
# Makes the virtual environment in $1 with the tools that install all else, on a machine that has nothing but a Python.
set -eu
venv=$1

fail() {
    printf '\n%s\n' "$*" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 && is_new_enough "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
}

if [ -x "$venv/bin/python" ] && is_new_enough "$venv/bin/python"; then
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip --default-pip >/dev/null 2>&1 ||
        fail "The environment in $venv has no pip and none could be put in. Remove it and try again: rm -rf $venv"
else
    python=$(find_python)
    [ -n "$python" ] || fail "Deskhand needs Python 3.11 or newer. Install one, or say where it is: make PYTHON=/path/to/python3.12 …"
    echo "Making a virtual environment with $("$python" --version)"
    rm -rf "$venv"
    "$python" -m venv "$venv" >/dev/null 2>&1 ||
        fail "$python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv. Elsewhere: install a full Python."
fi

sh tools/fetch.sh "the installer" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    --only-binary :all: -r requirements/bootstrap.txt
