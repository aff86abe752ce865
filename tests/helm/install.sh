#!/usr/bin/env bash
# Installs what checks the chart: helm and kubeconform where Go is there, Kubernetes' schemas where pip
# is, promtool where apt is. The tests pass over what is missing, so nothing here fails the set-up.
set -uo pipefail
cd "$(dirname "$0")/../.."

mkdir -p "${CARGO_TARGET_DIR:-target}/tools"
tools=$(cd "${CARGO_TARGET_DIR:-target}/tools" && pwd)

go_tool() { # package, version
  local at="$tools/${1##*/}"
  [ "$(go version -m "$at" 2>/dev/null | awk '$1 == "mod" { print $3 }')" = "$2" ] && return
  echo "building ${1##*/} $2" >&2
  GOTOOLCHAIN=local GOBIN=$tools go install "$1@$2"
}

if command -v go >/dev/null; then
  go_tool helm.sh/helm/v4/cmd/helm v4.3.1
  go_tool github.com/yannh/kubeconform/cmd/kubeconform v0.8.0
fi

# The schemas of the oldest Kubernetes that the chart is for and of the newest. Their references are
# made to point at the file beside them.
package=kubernetes-validate==1.37.0
if [ "$(cat "$tools/schemas/package" 2>/dev/null)" != "$package" ] && python3 -m pip --version >/dev/null 2>&1; then
  rm -rf "$tools/schemas" "$tools/wheel"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$tools/wheel" "$package" &&
    python3 - "$tools" "$package" <<'PYTHON'
import pathlib, re, sys, zipfile
tools, package = pathlib.Path(sys.argv[1]), sys.argv[2]
[wheel] = (tools / "wheel").glob("*.whl")
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        found = re.search(r"/v(1\.(?:30|37)\.0)-local-strict/([^/]+\.json)$", name)
        if found:
            text = archive.read(name).decode()
            text = text.replace('"/api/_definitions.json', '"_definitions.json').replace('"$id":', '"$comment":')
            at = tools / "schemas" / found[1] / found[2]
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_text(text)
(tools / "schemas/package").write_text(package)
PYTHON
  rm -rf "$tools/wheel"
fi

if ! [ -x "$tools/promtool" ] && ! command -v promtool >/dev/null && command -v apt-get >/dev/null; then
  beside=$(mktemp -d)
  (cd "$beside" && apt-get download -qq prometheus 2>/dev/null && dpkg-deb -x prometheus_*.deb . &&
    mv usr/bin/promtool "$tools/promtool")
  rm -rf "$beside"
fi
exit 0
