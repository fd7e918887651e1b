"""Maps CloudEvents types and topics to models, and upcasts older versions to the newest one."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from shared.events.intake import ClickReported, EngagementReported
from shared.events.labeling import (
    AccountChanged,
    ApiKeyChanged,
    ContactChanged,
    ContactEngaged,
    FieldChanged,
    LabelAssigned,
    LabelChanged,
    LabelRemoved,
)
from shared.events.messages import CampaignMessageRequested, MessageRequested, SystemMessageRequested
from shared.events.segmentation import CampaignChanged, SegmentChanged, SegmentEntered, SegmentLeft
from shared.events.tracking import ContactClicked, MessageChanged
from shared.events.workflow import AssignLabel, RemoveLabel, SetField, WorkflowChanged

Body = dict[str, Any]
Upcaster = Callable[[Body], Body]


class Registry:
    """Models by type, and the steps from an old version to the next.

    A model is the newest version of its event. Older versions have no model, only a step to the next version:

        @registry.upcast("ContactClicked", 1)
        def with_verdict(body): ...             # the JSON of version 1 in, that of version 2 out
    """

    def __init__(self, models: Iterable[type[Any]], on_other_topics: Iterable[type[Any]] = ()) -> None:
        """Register models. `on_other_topics` are subclasses of them: the same events on topics of other services."""
        self._models: dict[str, type[Any]] = {model.name: model for model in models}
        self._carried = {(model.name, model.topic): model for model in (*self._models.values(), *on_other_topics)}
        self._steps: dict[tuple[str, int], Upcaster] = {}

    def __iter__(self) -> Iterator[type[Any]]:
        return iter(self._models.values())

    def carried(self) -> Iterable[type[Any]]:
        """Return a model for each pair of an event and a topic that carries it."""
        return self._carried.values()

    def model(self, name: str) -> type[Any] | None:
        """Return the model of the event `name`, or None if there is no such event."""
        return self._models.get(name)

    def model_on(self, topic: str, name: str) -> type[Any] | None:
        """Return the model of the event `name` on `topic`, or None if the topic does not carry such an event."""
        return self._carried.get((name, topic))

    def upcast(self, name: str, version: int) -> Callable[[Upcaster], Upcaster]:
        """Register the step from `version` of the event `name` to the next version.

        Raises:
            ValueError: the event is unknown, or the version is not an older one, or already has a step.
        """
        model = self._models.get(name)
        if model is None or not 1 <= version < model.version:
            raise ValueError(f"{name} version {version} is no older version of a known event")
        if (name, version) in self._steps:
            raise ValueError(f"{name} version {version} has its step already")

        def register(step: Upcaster) -> Upcaster:
            self._steps[name, version] = step
            return step

        return register

    def steps(self, name: str, version: int) -> list[Upcaster] | None:
        """Return the steps that lead from `version` to the newest one, in order; None when one of them is missing."""
        newest: int = self._models[name].version
        steps = [self._steps.get((name, step)) for step in range(version, newest)]
        return None if None in steps else [step for step in steps if step is not None]


EVENTS = Registry(
    (
        ContactClicked,
        MessageChanged,
        LabelAssigned,
        LabelRemoved,
        ContactChanged,
        ContactEngaged,
        AccountChanged,
        LabelChanged,
        FieldChanged,
        ApiKeyChanged,
        SegmentEntered,
        SegmentLeft,
        SegmentChanged,
        CampaignChanged,
        AssignLabel,
        RemoveLabel,
        SetField,
        MessageRequested,
        WorkflowChanged,
        ClickReported,
        EngagementReported,
    ),
    on_other_topics=(CampaignMessageRequested, SystemMessageRequested),
)
