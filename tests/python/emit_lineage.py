"""Emits a run with OpenLineage's own client, which is told where to by its environment alone."""

import json
from datetime import datetime, timezone
from uuid import uuid4

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState

client = OpenLineageClient()
run, job = Run(runId=str(uuid4())), Job(namespace="etl", name="daily-settlement")
for state in (RunState.START, RunState.COMPLETE):
    client.emit(
        RunEvent(
            eventType=state,
            eventTime=datetime.now(timezone.utc).isoformat(),
            run=run,
            job=job,
            producer="https://example.com/etl",
            inputs=[InputDataset(namespace="sftp://files.example.com", name="camt053.xml")],
            outputs=[OutputDataset(namespace="warehouse", name="settlement.daily")],
        )
    )
print(json.dumps({"run": run.runId}))
