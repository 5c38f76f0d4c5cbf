#!/usr/bin/env bash
# Locks every dependency with the hashes of all its files: constraints.txt (all) and constraints-run.txt (what runs).
#
# uv resolves once for every Python and platform that we support and writes markers where they differ; it ignores the
# machine's pip configuration, so that neither a local mirror nor an address of one can end up in the files.
# `make lock` keeps versions that still fit; `make lock UPGRADE=1` moves all of them to the newest that fit.
set -euo pipefail
cd "$(dirname "$0")/.."

# A release must be this old: most poisoned releases are found out and removed within days.
cooldown="7 days"

tool="$(mktemp -d)"
trap 'rm -rf "$tool"' EXIT
"${PYTHON:-python3}" -m venv "$tool"
"$tool/bin/python" -m pip install --quiet --disable-pip-version-check uv

compile() {
  UV_NO_CONFIG=1 "$tool/bin/uv" pip compile pyproject.toml --quiet --universal --python-version 3.11 \
    --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links --no-sources \
    --fork-strategy fewest --exclude-newer "$cooldown" "$@"
}

everything="$tool/constraints.txt"
if [ -z "${UPGRADE:-}" ] && [ -f constraints.txt ]; then cp constraints.txt "$everything"; fi
compile --all-extras --group dev --output-file "$everything" >/dev/null
compile --extra offline --extra crypto --group build --constraints "$everything" --output-file "$tool/constraints-run.txt" >/dev/null

write() { # write FILE SENTENCE
  { echo "# $2"; echo "# Written by scripts/lock.sh (make lock); do not edit."; grep -v '^#' "$tool/$1"; } >"$tool/new"
  if grep -nE '://|^-|(^|[^a-z])/(home|tmp|opt|root|work)' "$tool/new"; then
    echo "lock.sh: $1 names an address, an option or a path of this machine; see above" >&2
    exit 1
  fi
  cp "$tool/new" "$1"
}
write constraints.txt "Everything that Meshwright runs, builds, tests and is checked with."
write constraints-run.txt "What Meshwright runs with, the offline models included; a subset of constraints.txt."
