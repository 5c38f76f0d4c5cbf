#!/usr/bin/env bash
# Makes .venv if it is missing and installs one locked set into it: venv.sh run | dev.
#
# Everything comes with a hash, the build back end of the editable install included, so nothing unknown is fetched.
set -euo pipefail
cd "$(dirname "$0")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1

enough='import sys; sys.exit(sys.version_info < (3, 11))'

python_found() {
  local name
  for name in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
    # Some version switchers answer to names of versions that they do not have: run it to know.
    if [ -n "$name" ] && "$name" -c "$enough" >/dev/null 2>&1; then echo "$name"; return; fi
  done
  echo "Meshwright needs Python 3.11 or newer, and none was found. Install one, or name it: make up PYTHON=/path/to/python3" >&2
  exit 1
}

# A .venv whose Python is gone (moved, upgraded away) is made anew.
if ! .venv/bin/python -c "$enough" >/dev/null 2>&1; then
  python="$(python_found)"
  echo "Making .venv with $("$python" --version) ..."
  if ! "$python" -m venv --clear .venv; then
    echo "This Python cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv" >&2
    exit 1
  fi
fi

case "${1:?run or dev}" in
  run) locked=constraints-run.txt what="what Meshwright runs with" ;;
  dev) locked=constraints.txt what="what Meshwright runs, is tested and is checked with" ;;
  *) echo "venv.sh: run or dev, not $1" >&2; exit 2 ;;
esac
echo "Installing $what ($(grep -c '==' "$locked") packages, locked with hashes) ..."
# The file is complete, so nothing is resolved: older pips would look for newer versions of what is asked for with an extra.
.venv/bin/python -m pip install --quiet --require-hashes --no-deps -r "$locked"
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .

touch ".venv/$1.stamp"
if [ "$1" = dev ]; then touch .venv/run.stamp; fi
