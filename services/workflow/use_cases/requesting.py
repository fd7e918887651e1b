"""Builds the event for an effect of a step."""

from datetime import datetime, timedelta
from uuid import UUID

from services.workflow.domain.identity import idempotency_key
from services.workflow.domain.runs import Effect, Run
from shared.events.envelope import ContactEvent
from shared.events.messages import Cause, MessageRequested
from shared.events.parts import Origin, Send
from shared.events.workflow import AssignLabel, RemoveLabel, SetField

# A message of a run reacts to an event; after a longer outage it would come too late.
EXPIRES_AFTER = timedelta(days=3)


def event_of(effect: Effect, run: Run, now: datetime) -> ContactEvent:
    """Return the command to labeling or the request to the delivery pipeline. The run's id is the id of the send."""
    origin = Origin(kind="workflow", workflow_id=run.workflow_id, run_id=run.run_id, step_id=effect.step_id)
    account, contact = run.account_id, run.contact_id
    match effect.kind, effect.subject:
        case "send", UUID() as message:
            return MessageRequested(
                occurred_at=now,
                account_id=account,
                contact_id=contact,
                message_id=message,
                send=Send(kind="workflow", id=str(run.run_id), sent_at=now),
                cause=Cause(kind="workflow", workflow_id=run.workflow_id, run_id=run.run_id, step_id=effect.step_id),
                idempotency_key=idempotency_key(run.run_id, effect.step_id),
                revision=effect.revision,
                expires_at=now + EXPIRES_AFTER,
                content=effect.content,
            )
        case "assign_label", UUID() as label:
            return AssignLabel(occurred_at=now, account_id=account, contact_id=contact, label_id=label, origin=origin)
        case "remove_label", UUID() as label:
            return RemoveLabel(occurred_at=now, account_id=account, contact_id=contact, label_id=label, origin=origin)
        case "set_field", str() as key:
            return SetField(
                occurred_at=now,
                account_id=account,
                contact_id=contact,
                field_key=key,
                value=effect.value,
                origin=origin,
            )
    raise AssertionError(f"{effect.kind} of {effect.subject}")
