"""Validates an EBA xBRL-CSV report package by eba-xbridge, and by what it leaves unchecked.

Called with a package, in a file of any name: the name that the filing rules ask for is the folder's inside.
Prints one JSON object: validator, version, verdict ("passed" or "failed") and messages. Warnings are told and
do not fail it.

eba-xbridge passes datapoints that the module does not have, values that are no numbers, units other than the
reported currency, reported templates without a table and LEIs with wrong check digits. These are checked here
against the module's metadata.
"""

import csv
import io
import json
import re
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import xbridge
from xbridge.validation import validate

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")
WHOLE = re.compile(r"-?[0-9]+\Z")
MODULES = Path(xbridge.__file__).parent / "modules"


def module_of(url):
    """The metadata of the module with this entry point."""
    index = json.loads((MODULES / "index.json").read_text(encoding="utf-8"))
    name = index.get(re.sub(r"\.json\Z", ".xsd", url))
    return json.loads((MODULES / name).read_text(encoding="utf-8")) if name else None


def rows(package, name):
    """The rows of a member that is a table, each by its header's names."""
    return list(csv.DictReader(io.StringIO(package.read(name).decode("utf-8"))))


def has_check_digits(lei):
    """Whether a LEI's check digits are right (ISO 17442)."""
    digits = "".join(str(int(character, 36)) for character in lei)
    return int(digits) % 97 == 1


def table_messages(table, facts, currency):
    """What is wrong with the facts of a table."""
    known = {variable["code"]: variable for variable in table["variables"]}
    seen = set()
    for number, fact in enumerate(facts, start=2):
        datapoint, value, unit = fact.get("datapoint"), fact.get("factValue") or "", fact.get("unit") or ""
        where = f"{table['url']}, line {number}: {datapoint}"
        variable = known.get(datapoint)
        if variable is None:
            yield f"{where} is no datapoint of this table"
            continue
        if datapoint in seen:
            yield f"{where} stands twice"
        seen.add(datapoint)
        whole = variable["attributes"] == "$decimalsInteger"
        if not (WHOLE if whole else NUMBER).match(value):
            yield f"{where} is {value!r}, which is no {'whole ' if whole else ''}number"
        asked = currency if variable["dimensions"].get("unit") == "$unit" else ""
        if unit != asked:
            yield f"{where} has the unit {unit!r} and not {asked!r}"


def messages_of(package, folder):
    """What eba-xbridge leaves unchecked."""
    reports = f"{folder}/reports/"
    names = set(package.namelist())
    needed = [reports + name for name in ("report.json", "parameters.csv", "FilingIndicators.csv")]
    if not names.issuperset(needed):
        return  # Which eba-xbridge says.
    extends = json.loads(package.read(needed[0])).get("documentInfo", {}).get("extends", [""])
    module = module_of(extends[0])
    if module is None:
        yield f"{extends[0]} is no module that is known"
        return
    parameters = {row["name"]: row["value"] for row in rows(package, needed[1])}
    entity = re.match(r"lei:([A-Z0-9]{20})(\..+)?\Z", parameters.get("entityID", ""))
    if entity and not has_check_digits(entity[1]):
        yield f"parameters.csv: the check digits of the LEI {entity[1]} are wrong"
    if entity and not folder.startswith(f"{entity[1]}{entity[2] or ''}_"):
        yield "parameters.csv: entityID is not who the package's name says"
    if f"_{parameters.get('refPeriod')}_" not in folder:
        yield "parameters.csv: refPeriod is not the date that the package's name says"
    reported = {row["templateID"]: row["reported"] for row in rows(package, needed[2])}
    for table in module["tables"]:
        name = reports + table["url"]
        if name in names:
            facts = rows(package, name)
            yield from table_messages(table, facts, parameters.get("baseCurrency", ""))
        elif reported.get(table["filing_indicator"]) in ("true", "1"):
            yield f"FilingIndicators.csv: {table['filing_indicator']} is reported, and has no table"


def validate_package(path):
    """The messages about a package, and whether it failed."""
    try:
        with ZipFile(path) as package:
            folders = {name.split("/", 1)[0] for name in package.namelist()}
            if len(folders) != 1:
                return [f"there are {len(folders)} folders, and there is to be one"], True
            folder = folders.pop()
            own = list(messages_of(package, folder))
    except (BadZipFile, UnicodeDecodeError, json.JSONDecodeError, KeyError) as error:
        return [f"the package can't be read: {error}"], True
    with tempfile.TemporaryDirectory() as there:
        named = Path(there) / f"{folder}.zip"
        shutil.copyfile(path, named)
        found = validate(named, eba=True)
    errors, warnings = [], []
    for part in found.values():
        for kind, into in (("errors", errors), ("warnings", warnings)):
            for rule, findings in part[kind].items():
                into += [f"{rule}: {text_of(finding)}" for finding in findings]
    return own + errors + [f"warning: {text}" for text in warnings], bool(own or errors)


def text_of(finding):
    """A finding as a sentence."""
    detail = (finding.get("context") or {}).get("detail")
    parts = [finding.get("message"), finding.get("location"), detail]
    return " | ".join(str(part) for part in parts if part)


def main():
    messages, failed = validate_package(sys.argv[1])
    verdict = "failed" if failed else "passed"
    told = {"validator": "eba-xbridge", "version": version("eba-xbridge"), "verdict": verdict}
    print(json.dumps({**told, "messages": messages}, ensure_ascii=False))


main()
