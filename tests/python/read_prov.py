"""Reads a PROV-JSON document by the library `prov`, and tells what it found: what each entity came from."""

import json
import sys

from prov.model import ProvActivity, ProvDocument, ProvEntity, ProvGeneration, ProvUsage

document = ProvDocument.deserialize(sys.argv[1], format="json")
label = {str(thing.identifier): thing.label for kind in (ProvEntity, ProvActivity) for thing in document.get_records(kind)}
ends = lambda relation: [label[str(end)] for _, end in relation.formal_attributes[:2]]
used = [list(reversed(ends(relation))) for relation in document.get_records(ProvUsage)]
made = [list(reversed(ends(relation))) for relation in document.get_records(ProvGeneration)]
print(json.dumps(sorted(used + made)))
