"""python bench.py BODY HEADER SECRET: prints nanoseconds of CPU for one verified and typed event."""

import json
import pathlib
import sys
import time

from paddle_billing.Entities.Notifications import NotificationEvent
from paddle_billing.Notifications import Secret, Verifier


class Request:
    """What the SDK wants of a web framework's request."""

    def __init__(self, body: bytes, header: str) -> None:
        self.body = body
        self.headers = {"Paddle-Signature": header}


body = pathlib.Path(sys.argv[1]).read_bytes()
header = pathlib.Path(sys.argv[2]).read_text()
secret = Secret(sys.argv[3])
verifier = Verifier(maximum_variance=3600)


def call() -> NotificationEvent:
    if not verifier.verify(Request(body, header), secret):
        raise SystemExit("not verified")
    return NotificationEvent.from_dict(json.loads(body))


for _ in range(50):
    call()
calls = max(20, 1_000_000 // len(body))
start = time.process_time_ns()
for _ in range(calls):
    call()
print((time.process_time_ns() - start) // calls)
