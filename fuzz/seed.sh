#!/bin/sh
# Adds the crate's own fixtures to the seeds of `event`: one body for each entity.
set -eu
cd "$(dirname "$0")"
python3 - <<'PY'
import json, pathlib
seeds = pathlib.Path("seeds/event")
fixtures = pathlib.Path("../paddle-webhook/tests/it/fixtures")
for event_type, data in json.loads((fixtures / "complete.json").read_text()).items():
    body = {"data": data, "event_id": "evt_1", "event_type": event_type, "occurred_at": "2026-03-01T12:00:00Z"}
    (seeds / event_type).write_text(json.dumps(body, separators=(",", ":")))
PY
