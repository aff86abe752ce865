"""Validates an xBRL-JSON report by Arelle, offline: `validate_arelle.py DOCUMENT PACKAGE`.

PACKAGE is a taxonomy package: a zip, or a folder that has META-INF in it. Whatever Arelle finds that is more than
information fails the report: errors, calculation inconsistencies, failed assertions, and warnings too, since a
warning may say that a check was left out.
"""

import json
import os
import sys
import tempfile
import zipfile
from pathlib import Path

# What Arelle keeps between runs has no say in a verdict.
home = tempfile.TemporaryDirectory()
os.environ["XDG_CONFIG_HOME"] = home.name

from arelle import Version  # noqa: E402
from arelle.api.Session import Session  # noqa: E402
from arelle.RuntimeOptions import RuntimeOptions  # noqa: E402

HARMLESS = {"debug", "info", "info-result", "info-semantic", "assertion-satisfied"}


def zipped(package: Path) -> Path:
    """A package's zip has one folder at its top (Taxonomy Packages 1.0, section 3.1)."""
    if package.is_file():
        return package
    path = Path(home.name) / "package.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(file for file in package.rglob("*") if file.is_file()):
            archive.write(file, Path("package") / file.relative_to(package))
    return path


def main(document: Path, package: Path) -> dict:
    # The extension says to Arelle what kind of report it is.
    report = Path(home.name) / "report.json"
    report.write_bytes(document.read_bytes())
    options = RuntimeOptions(
        entrypointFile=str(report),
        packages=[str(zipped(package))],
        plugins="loadFromOIM",
        internetConnectivity="offline",
        disablePersistentConfig=True,
        validate=True,
        calcs="c11r",
        validateDuplicateFacts="inconsistent",
        keepOpen=True,
    )
    messages = []
    with Session() as session:
        ran = session.run(options, logFileName="logToStructuredMessage")
        for message in session.get_log_messages():
            if str(message["levelname"]).lower() not in HARMLESS:
                messages.append(f"{message['messageCode']}: {message['msg']}")
        facts = sum(len(model.factsInInstance) for model in session.get_models())
    if not ran and not messages:
        messages.append("Arelle could not run")
    if facts == 0:
        messages.append("no fact was read")
    return {
        "validator": "arelle",
        "version": Version.version,
        "verdict": "failed" if messages else "passed",
        "messages": messages,
    }


print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
