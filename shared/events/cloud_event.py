"""Events as CloudEvents 1.0 (cloudevents/spec, `cloudevents/spec.md`), in the SDK's class and as JSON text."""

import json
from typing import Any

from azure.core.messaging import CloudEvent

from shared.events.base import Event
from shared.jobs.lifecycle import timestamp

SEQUENCE_DIGITS = 10
"""The extension `sequence` is compared as text, so its numbers have one length (`extensions/sequence.md` there)."""


def cloud_event(event: Event, source: str) -> CloudEvent[Any]:
    """Return the event as the SDK's class; `source` names this deployment, a URI reference."""
    sequence = {} if event.sequence is None else {"sequence": f"{event.sequence:0{SEQUENCE_DIGITS}d}"}
    return CloudEvent(
        source=source,
        type=event.type,
        id=event.id,
        time=event.time,
        subject=event.subject,
        datacontenttype="application/json",
        data=dict(event.data),
        extensions=sequence or None,
    )


def structured(event: CloudEvent[Any]) -> str:
    """Return an event in structured mode: one JSON object (`formats/json-format.md` there)."""
    attributes = {
        "specversion": event.specversion,
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": None if event.time is None else timestamp(event.time),
        "subject": event.subject,
        "datacontenttype": event.datacontenttype,
        **(event.extensions or {}),
        "data": event.data,
    }
    return json.dumps({name: value for name, value in attributes.items() if value is not None}, separators=(",", ":"))
