"""Validates an XML document by an XML Schema: prints the verdict, and what is wrong where."""

import json
import sys

from lxml import etree

document, schema = sys.argv[1:3]
version = ".".join(map(str, etree.LIBXML_VERSION))
try:
    checked = etree.XMLSchema(etree.parse(schema))
    passed = checked.validate(etree.parse(document))
    messages = [f"line {error.line}: {error.message}" for error in checked.error_log]
except etree.XMLSyntaxError as error:
    passed, messages = False, [str(error)]
verdict = "passed" if passed else "failed"
print(json.dumps({"validator": "xsd", "version": f"libxml2 {version}", "verdict": verdict, "messages": messages}))
