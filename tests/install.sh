#!/usr/bin/env bash
# Installs what the tests start by themselves, PostgreSQL, Redis and Chromium, and what reads exports
# back, calls the service and checks the chart and the document. Does nothing where they are there.
set -euo pipefail

missing=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v chromium >/dev/null || missing+=(chromium)
command -v chromedriver >/dev/null || missing+=(chromium-driver)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    echo "install ${missing[*]} first: the tests start them" >&2
    exit 1
  fi
  as_root=$([ "$(id -u)" -eq 0 ] || echo sudo)
  # The tests make clusters of their own; the packages are not to start any.
  $as_root mkdir -p /etc/postgresql-common
  echo 'create_main_cluster = false' | $as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
  $as_root apt-get update -qq
  $as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

"$(dirname "$0")/helm/install.sh"
"$(dirname "$0")/python/install.sh"
"$(dirname "$0")/node/install.sh"
