"""Steps: what a workflow does to a contact, one after the other."""

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, ValidationInfo, field_validator, model_validator

from services.workflow.domain.triggers import Strict, Trigger
from shared.events.envelope import Instant

StepKind = Literal["send", "wait", "wait_for", "if", "assign_label", "remove_label", "set_field", "exit"]
KINDS: tuple[StepKind, ...] = ("send", "wait", "wait_for", "if", "assign_label", "remove_label", "set_field", "exit")
MAX_DAYS = 3660

StepId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


class Duration(Strict):
    """A length of time: days, hours and minutes add up, and are more than nothing."""

    days: Annotated[int, Field(ge=0, le=MAX_DAYS, strict=True)] | None = None
    hours: Annotated[int, Field(ge=0, le=MAX_DAYS * 24, strict=True)] | None = None
    minutes: Annotated[int, Field(ge=0, le=MAX_DAYS * 24 * 60, strict=True)] | None = None

    def length(self) -> timedelta:
        """The whole of it."""
        return timedelta(days=self.days or 0, hours=self.hours or 0, minutes=self.minutes or 0)

    @model_validator(mode="after")
    def is_more_than_nothing(self) -> Self:
        if not self.length():
            raise ValueError("days, hours or minutes are needed, more than nothing in all")
        return self


class Wait(Duration):
    """Waits for a length of time, or until a time: an instant, or `HH:MM` of the account's day."""

    until: Instant | time | None = None

    @field_validator("until", mode="before")
    @classmethod
    def is_a_time(cls, value: object) -> object:
        if isinstance(value, str) and len(value) == 5:
            return time.fromisoformat(value)
        return value

    @model_validator(mode="after")
    def is_more_than_nothing(self) -> Self:
        if self.until is None and not self.length():
            raise ValueError("days, hours or minutes are needed, more than nothing in all, or until")
        if self.until is not None and self.length():
            raise ValueError("until stands alone, without days, hours and minutes")
        return self


class Send(Strict):
    """Asks the delivery pipeline to send a message."""

    message: UUID


class OfLabel(Strict):
    """Assigns or removes a label."""

    label: UUID


class SetField(Strict):
    """Sets a field of the contact; null clears it."""

    key: Annotated[str, Field(min_length=1, max_length=100)]
    value: Annotated[str, Field(max_length=8192)] | bool | int | float | None


class Exit(Strict):
    """Ends the run."""


class WaitFor(Strict):
    """Goes on with `then` when one of the events comes, with `else` when none has come in time."""

    any: Annotated[tuple[Trigger, ...], Field(min_length=1, max_length=20)]
    at_most: Duration
    then: tuple["Step", ...] = ()
    otherwise: Annotated[tuple["Step", ...], Field(alias="else")] = ()


class If(Strict):
    """Goes on with `then` if the criterion is true of the contact, else with `else`."""

    criterion: object
    then: tuple["Step", ...] = ()
    otherwise: Annotated[tuple["Step", ...], Field(alias="else")] = ()


class Step(Strict):
    """A step: exactly one member beside its id, its kind."""

    id: StepId | None = None
    send: Send | None = None
    wait: Wait | None = None
    wait_for: WaitFor | None = None
    if_: Annotated[If | None, Field(alias="if")] = None
    assign_label: OfLabel | None = None
    remove_label: OfLabel | None = None
    set_field: SetField | None = None
    exit: Exit | None = None

    @model_validator(mode="after")
    def is_of_one_kind(self, _: ValidationInfo) -> Self:
        given = self.model_fields_set - {"id"}
        if len(given) != 1:
            raise ValueError(f"a step has exactly one member beside its id: {', '.join(KINDS)}")
        [name] = given
        if getattr(self, name) is None:
            raise ValueError(f"{name.rstrip('_')} must be an object")
        return self

    @property
    def kind(self) -> StepKind:
        """Which kind of step it is."""
        for kind in KINDS:
            if getattr(self, "if_" if kind == "if" else kind) is not None:
                return kind
        raise AssertionError("a step is of one kind")

    @property
    def branches(self) -> tuple[tuple[str, tuple["Step", ...]], ...]:
        """The steps inside it, by the name of their member."""
        body = self.wait_for or self.if_
        return () if body is None else (("then", body.then), ("else", body.otherwise))

    def containing(
        self, branches: Mapping[str, tuple["Step", ...]], update: Mapping[str, object] | None = None
    ) -> Self:
        """The step with other steps inside it, and its own body changed by `update`; empty branches stay unwritten."""
        body = self.wait_for or self.if_
        if body is None:
            return self
        inner: dict[str, object] = dict(update or {})
        for name, steps in branches.items():
            if steps:
                inner["otherwise" if name == "else" else name] = steps
        return self.model_copy(update={"if_" if self.if_ else "wait_for": body.model_copy(update=inner)})
