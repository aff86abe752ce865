"""Checks messages with the public library `standardwebhooks`: those whose signature it refuses.

The file named is JSON: a secret, and messages with their headers, body and the time at which they were
received, in seconds since the Unix epoch. The library compares that with the clock; the test moves its own.
"""

import json
import sys
from datetime import datetime, timezone

from standardwebhooks import webhooks


def at(seconds):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.fromtimestamp(seconds, tz=timezone.utc)

    return Clock


given = json.load(open(sys.argv[1]))
checker = webhooks.Webhook(given["secret"])
refused = []
for message in given["messages"]:
    webhooks.datetime = at(message["received_at"])
    try:
        checker.verify(message["body"], message["headers"])
    except webhooks.WebhookVerificationError as error:
        refused.append(f"{message['headers'].get('webhook-id')}: {error}")
print(json.dumps({"checked": len(given["messages"]), "refused": refused}))
