"""Uses a client that a public generator made of the document, as an integration team would: pages, keeps a
copy, takes an export home and verifies a proof. Prints what it found, as JSON.

Arguments: the folder with the package `client`, and demo.json.
"""

import base64
import csv
import hashlib
import io
import json
import sys
import time

sys.path.insert(0, sys.argv[1])

from client import AuthenticatedClient, Client
from client.api.exports import create_export, download_export_part, get_export
from client.api.ledger import get_consistency_proof
from client.api.oauth2 import issue_token
from client.api.transactions import get_transaction, list_transactions, sync_transactions
from client.models import ExportRequest, GetTransactionProof, TokenRequest
from client.models import Format, Of, TokenResponse
from client.types import UNSET


def authenticated(demo):
    """The generated client with a token of the first institution's system."""
    system = demo["institutions"][0]["clients"][0]
    pair = f"{system['client_id']}:{system['client_secret']}".encode()
    basic = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
    stranger = Client(base_url=demo["base_url"], headers=basic)
    token = issue_token.sync(client=stranger, body=TokenRequest(grant_type="client_credentials"))
    assert isinstance(token, TokenResponse), token
    return AuthenticatedClient(base_url=demo["base_url"], token=token.access_token)


def paged(client):
    """Every transaction, page by page, as of the first page."""
    found, cursor, seqs = [], UNSET, set()
    while True:
        page = list_transactions.sync(client=client, limit=500, cursor=cursor)
        found += page.data
        seqs.add(page.as_of.seq)
        if not page.page.has_more:
            assert len(seqs) == 1, seqs
            return found, seqs.pop()
        cursor = page.page.next_cursor


def synced(client):
    """A copy, made by the changes since the beginning."""
    copy, cursor = {}, UNSET
    while True:
        changes = sync_transactions.sync(client=client, limit=500, cursor=cursor)
        for transaction in changes.added + changes.modified:
            copy[transaction.id] = transaction
        for removed in changes.removed:
            copy.pop(removed.id, None)
        cursor = changes.next_cursor
        if not changes.has_more:
            return copy


def exported(client, as_of):
    """The rows of an export as of an entry, each part checked by its hash."""
    order = ExportRequest(of=Of.TRANSACTIONS, format_=Format.CSV, as_of=as_of)
    export = create_export.sync(client=client, body=order)
    until = time.monotonic() + 60
    while export.state == "preparing" and time.monotonic() < until:
        time.sleep(0.05)
        export = get_export.sync(client=client, id=export.id)
    export = get_export.sync(client=client, id=export.id)
    assert export.state == "ready", export
    rows = []
    for part in export.parts:
        file = download_export_part.sync(client=client, id=export.id, n=part.n)
        content = file.payload.getvalue()
        assert hashlib.sha256(content).hexdigest() == part.sha256
        rows += csv.DictReader(io.StringIO(content.decode()))
    return rows


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root_of_inclusion(leaf, index, size, path):
    """RFC 9162 section 2.1.3.2: the root that an audit path leads to."""
    assert index < size
    fn, sn, root = index, size - 1, leaf
    for step in path:
        assert sn > 0, "the path is too long"
        if fn % 2 == 1 or fn == sn:
            root = sha256(b"\x01", step, root)
            while fn % 2 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = sha256(b"\x01", root, step)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0, "the path is too short"
    return root


def verified(client, transaction):
    """Proves that a transaction is on the ledger, by SHA-256 alone."""
    answer = get_transaction.sync_detailed(
        client=client, id=transaction.id, proof=GetTransactionProof.INCLUSION
    )
    assert answer.parsed.data.id == transaction.id
    proof = answer.parsed.proof
    # The record's canonical bytes (RFC 8785): no number in it is a float, no name is exotic.
    record = json.loads(answer.content)["data"]
    canonical = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    entry = json.loads(proof.entry)
    commitment = sha256(b"veritrail/commit@1\n", bytes.fromhex(proof.salt), canonical)
    assert commitment.hex() == entry["commitment"], "the entry commits to another record"
    _origin, size, root = proof.checkpoint.split("\n")[:3]
    leaf = sha256(b"\x00", proof.entry.encode())
    path = [bytes.fromhex(step) for step in proof.path]
    found = root_of_inclusion(leaf, int(proof.seq), int(size), path)
    assert found == base64.b64decode(root), "the path leads to another root"
    # Anything else is not proven.
    other = root_of_inclusion(sha256(b"\x00", b"another"), int(proof.seq), int(size), path)
    assert other != found
    return proof.checkpoint


def main():
    with open(sys.argv[2], encoding="utf-8") as file:
        demo = json.load(file)
    client = authenticated(demo)
    transactions, seq = paged(client)
    copy = synced(client)
    rows = exported(client, seq)
    ids = [transaction.id for transaction in transactions]
    checkpoint = verified(client, transactions[len(transactions) // 2])
    consistency = get_consistency_proof.sync(client=client, from_=1)
    json.dump(
        {
            "paged": len(ids),
            "distinct": len(set(ids)),
            "synced": len(copy),
            "exported": len(rows),
            "same_as_synced": {t.id: t.to_dict() for t in transactions}
            == {id: t.to_dict() for id, t in copy.items()},
            "same_as_exported": sorted(ids) == sorted(row["id"] for row in rows),
            "checkpoint": checkpoint,
            "steps_of_consistency": len(consistency.path),
        },
        sys.stdout,
    )


main()
