"""What schemathesis needs to know of the service under test: who may call what."""

import base64
import json
import os
import urllib.parse
import urllib.request
import uuid

import schemathesis

with open(os.environ["VERITRAIL_DEMO"], encoding="utf-8") as file:
    DEMO = json.load(file)

SYSTEM = DEMO["institutions"][0]["clients"][0]
CLIENTS = {"system": SYSTEM, "feeder": DEMO["feeder"], "operator": DEMO["operator"]}


def basic(client):
    pair = f"{client['client_id']}:{client['client_secret']}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def token(client):
    request = urllib.request.Request(
        DEMO["base_url"] + "/oauth2/token",
        data=urllib.parse.urlencode({"grant_type": "client_credentials"}).encode(),
        headers={"Authorization": basic(client)},
    )
    with urllib.request.urlopen(request) as answer:
        return "Bearer " + json.load(answer)["access_token"]


def who(case, _context=None):
    """Who may call an operation, by the scope that it takes."""
    for scheme in case.operation.definition.raw.get("security", []):
        if "client_secret_basic" in scheme:
            return "client"
        match scheme.get("oauth2"):
            case ["admin"]:
                return "operator"
            case ["transactions:write"]:
                return "feeder"
            case [_]:
                return "system"
    return "nobody"


if os.environ["VERITRAIL_CALLER"] == "authenticated":

    # A token holds for five minutes.
    @schemathesis.auth(refresh_interval=120, cache_by_key=who)
    class Authenticated:
        def get(self, case, _context):
            match who(case):
                case "nobody":
                    return None
                case "client":
                    return basic(SYSTEM)
                case caller:
                    return token(CLIENTS[caller])

        def set(self, case, data, _context):
            if data is not None:
                case.headers["Authorization"] = data


@schemathesis.serializer("application/x-ndjson")
def ndjson(_context, value):
    """A line of JSON; one that is not JSON as it stands."""
    return value if isinstance(value, bytes) else (json.dumps(value) + "\n").encode()


@schemathesis.serializer("application/toml", "application/xml", "text/xml", "text/csv", "application/offset+octet-stream")
def plain_text(_context, value):
    """A file's text as it stands."""
    return value if isinstance(value, bytes) else str(value).encode()


# Entries that a log of the demo has from its beginning.
ENTRIES = 1000


def within(value):
    """A number of an entry that the log has."""
    return int(value or 0) % ENTRIES


# Clients by whose tokens everything is tried: they must not be changed on the way.
OWN = {client["client_id"] for client in CLIENTS.values()}


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """What no schema can say of a valid request, since it depends on what is there or on another part."""
    if case.operation.definition.raw.get("operationId") == "streamEvents":
        end_stream(case)
    if case.method.upper() != "GET" and (case.path_parameters or {}).get("id") in OWN:
        case.path_parameters["id"] = f"cli_{uuid.uuid4().hex}"
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.query:
        fit_query(case.query)
    if "Last-Event-ID" in (case.headers or {}):
        case.headers["Last-Event-ID"] = str(within(case.headers["Last-Event-ID"]))
    # A repeated key asks for the first answer.
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    # A proof is a signature over this very request.
    (case.headers or {}).pop("DPoP", None)
    if isinstance(case.body, dict):
        fit_body(case)


def end_stream(case):
    """A stream goes on for as long as it may."""
    query = case.query = dict(case.query or {})
    asked = str(query.get("duration_s", 0))
    if asked.isdigit() and int(asked) <= 3600:
        query["duration_s"] = 0


def fit_query(query):
    # A cursor is the service's own, and fits the query that it came from alone.
    query.pop("cursor", None)
    # A proof is of the whole record.
    if "fields" in query:
        query.pop("proof", None)
    if "proof" in query and "limit" in query:
        query["limit"] = min(int(query["limit"]), 100)
    # Currencies are those of ISO 4217, and amounts are compared in one.
    if "currency" in query:
        query["currency"] = "EUR"
    if "currency[in]" in query:
        query["currency[in]"] = "EUR,CHF"
    if any(name.startswith("amount") for name in query):
        query.pop("currency[in]", None)
        query["currency"] = "EUR"
    # Entries and sizes that the log has.
    for name in ("as_of", "seq", "last_event_id"):
        if name in query:
            query[name] = str(within(query[name]))
    # Days are not numbers of entries.
    if "from" in query and "-" not in str(query["from"]):
        query["from"] = str(within(query["from"]) + 1)
    for name in ("size", "to"):
        if name in query and "-" not in str(query[name]):
            query[name] = str(ENTRIES)


def plain(value):
    """JSON's schemas take 1.0 for a whole number; programs write 1."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: plain(part) for name, part in value.items()}
        case list():
            return [plain(part) for part in value]
    return value


def fit_body(case):
    body = case.body = plain(case.body)
    match case.operation.definition.raw["operationId"]:
        case "issueToken" | "revokeToken" | "introspectToken":
            # The header authenticates; a client does so in one way.
            body.pop("client_assertion", None)
            body.pop("client_assertion_type", None)
            if "scope" in body:
                body["scope"] = "transactions:read"
        case "createClient":
            # Keys of which the service can check a signature, and an issuer that it knows.
            body.pop("jwks", None)
            body.pop("external", None)
