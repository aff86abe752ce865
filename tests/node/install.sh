#!/usr/bin/env bash
# Installs packages of Node in target/node: what the tests check the document by, a store that speaks S3, and
# axe-core, which finds what keeps people from using a page. None of them is ours. Node itself comes with the
# environment of Python. Does nothing where they are there and as new as the list.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}
stamp=$target/node/.installed
if [ ! "$stamp" -nt "$here/package.json" ]; then
  mkdir -p "$target/node"
  cp "$here/package.json" "$target/node/"
  PATH=$target/python/bin:$PATH npm install --prefix "$target/node" --silent --no-audit --no-fund
  touch "$stamp"
fi
