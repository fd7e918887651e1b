"""Matches events with triggers, and finds the matching ones among many triggers."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from services.workflow.domain.definitions import AnyTrigger
from services.workflow.domain.triggers import SILENT_ORIGINS, THIS_RUN, OnClick, OnEngagement, OnLabel, OnSegment
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactEngaged, LabelAssigned, LabelRemoved, Scalar
from shared.events.segmentation import SegmentEntered, SegmentLeft
from shared.events.tracking import ContactClicked

Owner = TypeVar("Owner")
Key: TypeAlias = tuple[str, str, UUID | str | None]

LABELS = (LabelAssigned, LabelRemoved)


def matches(trigger: AnyTrigger, event: ContactEvent, this_run: UUID | None = None) -> bool:
    """Return whether the trigger matches the event. A send called `this_run` must belong to the run `this_run`."""
    match trigger, event:
        case OnLabel(), LabelAssigned() | LabelRemoved():
            return trigger.on == event.name and trigger.label == event.label_id and _fits_origin(trigger, event)
        case OnSegment(), SegmentEntered() | SegmentLeft():
            return (
                trigger.on == event.name
                and trigger.segment == event.segment_id
                and (trigger.include_existing or event.reason != "definition")
            )
        case OnClick(), ContactClicked():
            return counts(event) and _fits_click(trigger, event, this_run)
        case OnEngagement(), ContactEngaged():
            return counts(event) and _fits_engagement(trigger, event, this_run)
    return False


def counts(event: ContactClicked | ContactEngaged) -> bool:
    """Return whether an event counts: it does not belong to a test send, and a click is human."""
    if event.send is not None and event.send.kind == "test":
        return False
    return not isinstance(event, ContactClicked) or event.verdict == "human"


def _fits_origin(trigger: OnLabel, event: LabelAssigned | LabelRemoved) -> bool:
    if trigger.origins is None:
        return event.origin.kind not in SILENT_ORIGINS
    return event.origin.kind in trigger.origins


def _fits_click(trigger: OnClick, event: ContactClicked, this_run: UUID | None) -> bool:
    return (
        trigger.message in (None, event.message_id)
        and trigger.link in (None, event.link_id)
        and trigger.url in (None, event.url)
        and (trigger.url_starts_with is None or event.url.startswith(trigger.url_starts_with))
        and (trigger.label is None or any(label.id == trigger.label for label in event.labels))
        and _fits_send(trigger.send, event, this_run)
    )


def _fits_engagement(trigger: OnEngagement, event: ContactEngaged, this_run: UUID | None) -> bool:
    return (
        trigger.kind == event.kind
        and trigger.ref in (None, event.ref)
        and trigger.message in (None, event.message_id)
        and _fits_send(trigger.send, event, this_run)
        and all(_same(event.attributes.get(name), value) for name, value in (trigger.where or {}).items())
    )


def _fits_send(send: str | None, event: ContactClicked | ContactEngaged, this_run: UUID | None) -> bool:
    if send is None:
        return True
    if send == THIS_RUN:
        return this_run is not None and event.send is not None and event.send.id == str(this_run)
    return event.send is not None and event.send.id == send


def _same(value: Scalar | None, expected: Scalar) -> bool:
    # True equals 1 in Python, but not in JSON.
    return value == expected and isinstance(value, bool) == isinstance(expected, bool)


class TriggerIndex(Generic[Owner]):
    """An index of triggers by the things that they name, so that an event is compared with few triggers only."""

    def __init__(self, triggers: Iterable[tuple[AnyTrigger, Owner]]) -> None:
        self._by_key: dict[Key, list[tuple[AnyTrigger, Owner]]] = {}
        for trigger, owner in triggers:
            self._by_key.setdefault(_key_of(trigger), []).append((trigger, owner))
        self._selectors = {(on, selector) for on, selector, _ in self._by_key}
        self._kinds = {on for on, _, _ in self._by_key}

    def find(self, event: ContactEvent) -> Iterator[Owner]:
        """Yield the owners of the triggers that match the event; an owner may be repeated."""
        name = event.name
        if name not in self._kinds or type(event) not in _KEYS:
            return
        for selector, values in _KEYS[type(event)](event):
            if (name, selector) in self._selectors:
                for value in values:
                    for trigger, owner in self._by_key.get((name, selector, value), ()):
                        if matches(trigger, event):
                            yield owner


def _key_of(trigger: AnyTrigger) -> Key:
    match trigger:
        case OnLabel():
            return trigger.on, "label", trigger.label
        case OnSegment():
            return trigger.on, "segment", trigger.segment
        case OnEngagement():
            return trigger.on, "kind", trigger.kind
        case OnClick():
            for selector in ("link", "send", "url", "label", "message"):
                value = getattr(trigger, selector)
                if value is not None:
                    return trigger.on, selector, value
            return trigger.on, "any", None


Keys: TypeAlias = tuple[tuple[str, tuple[UUID | str | None, ...]], ...]


def _keys_of_label(event: LabelAssigned | LabelRemoved) -> Keys:
    return (("label", (event.label_id,)),)


def _keys_of_segment(event: SegmentEntered | SegmentLeft) -> Keys:
    return (("segment", (event.segment_id,)),)


def _keys_of_engagement(event: ContactEngaged) -> Keys:
    return (("kind", (event.kind,)),)


def _keys_of_click(event: ContactClicked) -> Keys:
    return (
        ("link", (event.link_id,)),
        ("send", (event.send.id,) if event.send else ()),
        ("url", (event.url,)),
        ("label", tuple([label.id for label in event.labels])),
        ("message", (event.message_id,)),
        ("any", (None,)),
    )


# Dispatch on the exact type: isinstance on a pydantic model is slow.
_KEYS: dict[type[ContactEvent], Callable[[Any], Keys]] = {
    LabelAssigned: _keys_of_label,
    LabelRemoved: _keys_of_label,
    SegmentEntered: _keys_of_segment,
    SegmentLeft: _keys_of_segment,
    ContactEngaged: _keys_of_engagement,
    ContactClicked: _keys_of_click,
}
