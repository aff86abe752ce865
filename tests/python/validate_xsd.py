"""Validates an XML document by an XML Schema, with lxml (libxml2).

Usage: validate_xsd.py DOCUMENT SCHEMA.xsd

Prints a JSON object with the verdict. Nothing is fetched from a network: what a schema imports stands beside it.
"""

import json
import sys

from lxml import etree

MESSAGES_MAX = 100


def version():
    dotted = ".".join(map(str, etree.LIBXML_VERSION))
    return f"libxml2 {dotted}"


def validate(document, schema):
    # A schema that can't be read is a fault of whoever called, not a verdict.
    schema = etree.XMLSchema(etree.parse(schema, etree.XMLParser(no_network=True)))
    parser = etree.XMLParser(no_network=True, resolve_entities=False, huge_tree=True)
    try:
        tree = etree.parse(document, parser)
    except etree.XMLSyntaxError as error:
        return [str(error)]
    if schema.validate(tree):
        return []
    return [f"line {error.line}: {error.message}" for error in schema.error_log]


def main():
    messages = validate(*sys.argv[1:3])
    verdict = "failed" if messages else "passed"
    report = {"validator": "xsd", "version": version(), "verdict": verdict}
    print(json.dumps(report | {"messages": messages[:MESSAGES_MAX]}))


main()
