"""Resolves merged labels in facts and events to the last label of the chain."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.workflow.domain.facts import StoredFacts
from services.workflow.domain.runs import ConsumedEvent
from shared.criteria.merged_labels import MergedLabels as SharedMergedLabels
from shared.events.labeling import LabelAssigned, LabelRemoved
from shared.events.parts import LabelReference
from shared.events.tracking import ContactClicked


class MergedLabels(SharedMergedLabels):
    """The merged labels of one account, and the resolution of facts and events."""

    def facts(self, stored: StoredFacts) -> StoredFacts:
        """Return a contact's facts with merged labels replaced by the ones that they were merged into."""
        if not self.last:
            return stored
        resolved = StoredFacts()
        resolved.raw = dict(stored.raw)
        held: dict[str, Any] = {}
        for label, day in stored.raw.get("l", {}).items():
            last = self._resolve(label)
            held[last] = min(day, held.get(last, day))
        resolved.raw["l"] = held
        if "c" in stored.raw:
            resolved.raw["c"] = [
                [*click[:5], list(dict.fromkeys(map(self._resolve, click[5]))), click[6]] for click in stored.raw["c"]
            ]
        if "r" in stored.raw:
            resolved.raw["r"] = [label for label in map(self._resolve, stored.raw["r"]) if label not in held]
        return resolved

    def _resolve(self, label: str) -> str:
        last = self.last.get(UUID(label))
        return label if last is None else last.hex

    def readings(self, seen: ConsumedEvent) -> Iterator[ConsumedEvent]:
        """Yield the event, then its variants for triggers on labels that were merged with its labels."""
        yield seen
        event = seen.event
        if not self.last:
            return
        if isinstance(event, LabelAssigned | LabelRemoved):
            for label in self.alike(event.label_id):
                if label != event.label_id:
                    yield replace(seen, event=replace(event, label_id=label))
        elif isinstance(event, ContactClicked):
            named = {reference.id for reference in event.labels}
            added = [label for label in self.all_alike(named) if label not in named]
            if added:
                references = tuple(LabelReference(id=label, name="") for label in added)
                yield replace(seen, event=replace(event, labels=(*event.labels, *references)))


NONE_MERGED = MergedLabels({})
