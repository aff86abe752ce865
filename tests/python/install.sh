#!/usr/bin/env bash
# Makes an environment of Python in target/python with what the tests read by: programs that are not
# ours. Does nothing where it is there and as new as the list.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}
stamp=$target/python/.installed
if [ ! "$stamp" -nt "$here/requirements.txt" ]; then
  mkdir -p "$target"
  python3 -m venv "$target/python"
  "$target/python/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
  touch "$stamp"
fi
