"""Follows events, and describes each in a readable line."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from time import monotonic
from types import TracebackType
from typing import Any, NamedTuple, Self
from uuid import UUID

from shared.bus.follower import Follower
from shared.events.codec import Decoded, Tombstone, decode
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactChanged, ContactEngaged, LabelAssigned, LabelChanged, LabelRemoved
from shared.events.messages import CampaignMessageRequested, MessageRequested, SystemMessageRequested
from shared.events.parts import Origin
from shared.events.segmentation import SegmentChanged, SegmentEntered, SegmentLeft
from shared.events.topics import TOPICS
from shared.events.tracking import ContactClicked, MessageChanged
from shared.events.undecodable import Undecodable
from shared.events.workflow import AssignLabel, RemoveLabel, SetField, WorkflowChanged
from shared.settings import CommonSettings

CONTACT_TOPICS = tuple(topic.name for topic in TOPICS.values() if topic.kind == "contact")
CACHED_STATES = 10_000  # contacts whose last state is cached, to describe changes
CHECK_AFTER = 5.0  # seconds without an event after which Kafka is checked
# Not labeling.keys, which has only hashes of keys.
CATALOGS = ("labeling.catalog", "tracking.catalog", "segmentation.catalog", "workflow.catalog")


class ReceivedEvent(NamedTuple):
    """An event from one of the contact topics."""

    topic: str
    partition: int
    offset: int
    decoded: Decoded

    @property
    def event(self) -> ContactEvent | Tombstone:
        event: ContactEvent | Tombstone = self.decoded.event
        return event

    @property
    def type(self) -> str:
        """The event's name, without prefix and version."""
        return "Tombstone" if isinstance(self.event, Tombstone) else self.event.name

    @property
    def account_id(self) -> int:
        if isinstance(self.event, Tombstone):
            return int(self.event.key.partition(":")[0])
        return self.event.account_id


class Names:
    """The names that belong to ids, from the catalogs and the events of contacts."""

    def __init__(self) -> None:
        self.labels: dict[UUID, str] = {}
        self.links: dict[UUID, str] = {}
        self.messages: dict[UUID, str] = {}
        self.workflows: dict[UUID, str] = {}
        self.people: dict[tuple[int, int], str] = {}
        self._states: dict[tuple[int, int], ContactChanged] = {}

    def changes(self, event: ContactChanged) -> list[str] | None:
        """Store the contact's state; return the names of changed members, or None if it was not seen before."""
        key = event.account_id, event.contact_id
        before = self._states.pop(key, None)
        self._states[key] = event
        if len(self._states) > CACHED_STATES:
            del self._states[next(iter(self._states))]
        return None if before is None else _differences(before, event)

    def learn(self, event: object) -> None:
        if isinstance(event, LabelChanged):
            self.labels[event.label_id] = event.label_name
        elif isinstance(event, MessageChanged):
            self.messages[event.message_id] = event.message_name
            self.links.update({link.id: link.text or link.url for link in event.links})
        elif isinstance(event, WorkflowChanged):
            self.workflows[event.workflow_id] = event.workflow_name

    def contact(self, account_id: int, contact_id: int) -> str:
        return self.people.get((account_id, contact_id), f"contact {contact_id}")

    def link(self, link_id: UUID | None, otherwise: str = "a link") -> str:
        name = None if link_id is None else self.links.get(link_id)
        return f'"{name}"' if name else otherwise

    def message(self, message_id: UUID | None) -> str:
        name = None if message_id is None else self.messages.get(message_id)
        return f'"{name}"' if name else f"message {message_id}"

    def label(self, label_id: UUID) -> str:
        return self.labels.get(label_id, f"label {label_id}")

    def workflow(self, workflow_id: UUID | None) -> str:
        name = None if workflow_id is None else self.workflows.get(workflow_id)
        return f'workflow "{name}"' if name else "a workflow"


class Feed:
    """Follows the contact topics from now on.

    Open it before causing the events that it should show. `on_availability` is called with True when Kafka stops
    answering, and with False when it answers again.
    """

    def __init__(
        self,
        settings: CommonSettings,
        topics: Sequence[str] = CONTACT_TOPICS,
        on_availability: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._on_availability = on_availability
        self._is_away = False
        self._checked_at = monotonic()
        self._follower = Follower(settings, from_end=topics, from_beginning=CATALOGS)
        self.names = Names()
        self.undecodable = 0  # records that could not be decoded

    async def __aenter__(self) -> Self:
        await self._follower.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._follower.__aexit__(kind, error, traceback)

    async def next(self, within: float = 0.2) -> list[ReceivedEvent]:
        """Return the next events; an empty list if none arrives within `within` seconds."""
        seen: list[ReceivedEvent] = []
        found = await self._follower.next(within)
        await self._check_availability(bool(found))
        for topic, record in found:
            try:
                decoded = decode(topic, record.key, record.value, dict(record.headers))
            except Undecodable:
                self.undecodable += 1
                continue
            if topic in CATALOGS:
                self.names.learn(decoded.event)
            else:
                seen.append(ReceivedEvent(topic, record.partition, record.offset, decoded))
        return seen

    async def _check_availability(self, received_any: bool) -> None:
        if not received_any and monotonic() - self._checked_at < CHECK_AFTER:
            return
        is_away = not received_any and not await self._follower.answers()
        self._checked_at = monotonic()
        if is_away != self._is_away:
            self._is_away = is_away
            self._on_availability(is_away)

    async def __aiter__(self) -> AsyncIterator[ReceivedEvent]:
        while True:
            for seen in await self.next():
                yield seen


def sentence(event: object, names: Names) -> str:
    """Return a short description of an event."""
    if isinstance(event, Tombstone):
        return f"contact {event.key.partition(':')[2]} was erased"
    if isinstance(event, SegmentChanged):
        return f'segment "{event.segment_name}" changed'
    assert isinstance(event, ContactEvent)
    phrase = _PHRASES[type(event)](event, names)
    return f"{names.contact(event.account_id, event.contact_id)} {phrase}"


def why(origin: Origin, names: Names) -> str:
    """Return a description of the origin of an assignment or removal."""
    if origin.kind == "click":
        return f"clicked {names.link(origin.link_id)} in {names.message(origin.message_id)}"
    if origin.kind == "workflow":
        return names.workflow(origin.workflow_id)
    description = {"manual": "manually", "self": "by the contact", "import": "imported"}.get(origin.kind, origin.kind)
    return f"{description} {origin.ref}" if origin.ref else description


def _clicked(event: ContactClicked, names: Names) -> str:
    labels = ", ".join(label.name for label in event.labels)
    verdict = event.verdict if not event.reasons else f"{event.verdict}: {', '.join(event.reasons)}"
    link = names.link(event.link_id, otherwise=event.url)
    return f"clicked {link}{f' [{labels}]' if labels else ''}, {verdict}"


def _engaged(event: ContactEngaged, _: Names) -> str:
    return f"{event.kind}{f' {event.ref}' if event.ref else ''}"


def _changed(event: ContactChanged, names: Names) -> str:
    changes = names.changes(event)
    if event.state != "active":
        return {"erased": "was erased", "merged": f"was merged into contact {event.merged_into}"}[event.state]
    if changes is None:
        return f"was created or changed ({event.subscription})"
    return f"changed: {', '.join(changes) or 'nothing'}"


def _differences(before: ContactChanged, after: ContactChanged) -> list[str]:
    """Return the names of changed members. Values are omitted, except those that are not personal data."""
    changes = [
        f"{name.replace('_', ' ')} {getattr(before, name)} → {getattr(after, name)}"
        for name in ("state", "subscription", "tracking_consent")
        if getattr(before, name) != getattr(after, name)
    ]
    changes += [
        name.replace("_", " ")
        for name in ("email", "external_id", "source", "language")
        if getattr(before, name) != getattr(after, name)
    ]
    keys = sorted(before.fields.keys() | after.fields.keys())
    return changes + [key for key in keys if before.fields.get(key) != after.fields.get(key)]


def _requested(event: MessageRequested, names: Names) -> str:
    phrase = names.message(event.message_id) if event.system is None else event.system.kind.replace("_", " ")
    why_sent = names.workflow(event.cause.workflow_id) if event.cause.kind == "workflow" else event.cause.kind
    return f"is to be sent {phrase}: {why_sent}"


_PHRASES: Mapping[type, Any] = {
    ContactClicked: _clicked,
    ContactEngaged: _engaged,
    ContactChanged: _changed,
    LabelAssigned: lambda event, names: f"got {event.label_name}: {why(event.origin, names)}",
    LabelRemoved: lambda event, names: f"lost {event.label_name}: {why(event.origin, names)}",
    SegmentEntered: lambda event, _: f'entered segment "{event.segment_name}" ({event.reason})',
    SegmentLeft: lambda event, _: f'left segment "{event.segment_name}" ({event.reason})',
    AssignLabel: lambda event, names: f"is to get {names.label(event.label_id)}: {why(event.origin, names)}",
    RemoveLabel: lambda event, names: f"is to lose {names.label(event.label_id)}: {why(event.origin, names)}",
    SetField: lambda event, names: f"is to have {event.field_key} = {event.value}: {why(event.origin, names)}",
    MessageRequested: _requested,
    CampaignMessageRequested: _requested,
    SystemMessageRequested: _requested,
}
