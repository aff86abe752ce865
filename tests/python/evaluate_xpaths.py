"""Evaluates XPath expressions on an XML document, with lxml.

Usage: evaluate_xpaths.py DOCUMENT QUERY.json

The query is {"namespaces": {prefix: uri}, "paths": [expression, ...]}; prints a list of the values, numbers as
numbers and nodes as their texts.
"""

import json
import sys

from lxml import etree


def plain(value):
    if isinstance(value, list):
        return [node if isinstance(node, str) else "".join(node.itertext()) for node in value]
    return value


def main():
    tree = etree.parse(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as file:
        query = json.load(file)
    namespaces = query["namespaces"]
    print(json.dumps([plain(tree.xpath(path, namespaces=namespaces)) for path in query["paths"]]))


main()
