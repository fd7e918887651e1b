"""The steps of a workflow."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)

from services.workflow.domain.triggers import Strict, Trigger
from shared.events.envelope import Instant

StepKind = Literal["send", "wait", "wait_for", "if", "split", "assign_label", "remove_label", "set_field", "exit"]
KINDS: tuple[StepKind, ...] = (
    "send",
    "wait",
    "wait_for",
    "if",
    "split",
    "assign_label",
    "remove_label",
    "set_field",
    "exit",
)
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MAX_DAYS = 3660


def _time_of_day(value: object) -> object:
    return time.fromisoformat(value) if isinstance(value, str) and len(value) == 5 else value


def _only_time_of_day(value: object) -> object:
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or len(value) != 5:
        raise ValueError("must be a time of day, such as 09:00")
    return time.fromisoformat(value)


TimeOfDay = Annotated[
    time, BeforeValidator(_only_time_of_day), PlainSerializer(lambda at: f"{at:%H:%M}", when_used="json")
]
StepId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


class Duration(Strict):
    """A length of time: the sum of days, hours and minutes, which must be positive."""

    days: Annotated[int, Field(ge=0, le=MAX_DAYS, strict=True)] | None = None
    hours: Annotated[int, Field(ge=0, le=MAX_DAYS * 24, strict=True)] | None = None
    minutes: Annotated[int, Field(ge=0, le=MAX_DAYS * 24 * 60, strict=True)] | None = None

    def length(self) -> timedelta:
        """Return the total length."""
        return timedelta(days=self.days or 0, hours=self.hours or 0, minutes=self.minutes or 0)

    @model_validator(mode="after")
    def is_more_than_nothing(self) -> Self:
        if not self.length():
            raise ValueError("days, hours or minutes are required, more than 0 in total")
        return self


class Window(Strict):
    """A part of each week in the account's time zone.

    It begins on these weekdays (default: all) at `from` and ends at `to`, on the next day if that is not later; a
    window without `to` ends with its day.
    """

    weekdays: Annotated[tuple[Weekday, ...], Field(max_length=7)] = ()
    begins: Annotated[TimeOfDay, Field(alias="from")] = time(0)
    ends: Annotated[TimeOfDay | None, Field(alias="to")] = None

    @model_validator(mode="after")
    def is_a_part_of_the_week(self) -> Self:
        """Refuse a window without members, or without a length."""
        if not self.model_fields_set:
            raise ValueError("weekdays, from or to is required")
        if self.ends == self.begins:
            raise ValueError("to is the same as from: omit both for whole days")
        return self


class Wait(Duration):
    """Wait for a length of time, or until a time: an instant, or `HH:MM` of the account's day.

    With `within`, the wait continues until the first moment in that window.
    """

    until: Instant | time | None = None
    within: Window | None = None

    @field_validator("until", mode="before")
    @classmethod
    def is_a_time(cls, value: object) -> object:
        """Read `HH:MM` as a time of the day."""
        return _time_of_day(value)

    @field_serializer("until", mode="wrap", when_used="json")
    def serialize_until(self, until: datetime | time | None, write: SerializerFunctionWrapHandler) -> object:
        """Write a time of the day as `HH:MM`."""
        return f"{until:%H:%M}" if isinstance(until, time) and not until.second else write(until)

    @model_validator(mode="after")
    def is_more_than_nothing(self) -> Self:
        if self.until is None and self.within is None and not self.length():
            raise ValueError("days, hours or minutes (more than 0 in total), until or within is required")
        if self.until is not None and self.length():
            raise ValueError("until cannot be combined with days, hours and minutes")
        return self


class SendMessage(Strict):
    """Requests a message from the delivery pipeline."""

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
    """Continue with `then` when one of the events comes or the criterion is true, with `else` at the deadline."""

    any: Annotated[tuple[Trigger, ...], Field(max_length=20)] = ()
    criterion: object = None
    at_most: Duration
    then: tuple["Step", ...] = ()
    otherwise: Annotated[tuple["Step", ...], Field(alias="else")] = ()

    @model_validator(mode="after")
    def waits_for_something(self) -> Self:
        """Refuse a wait that nothing but its deadline can end."""
        if not self.any and self.criterion is None:
            raise ValueError("any or criterion is required")
        return self


class Split(Strict):
    """Continue with `then` for this share of the contacts, with `else` for the others.

    A contact always gets the same branch.
    """

    percent: Annotated[float, Field(gt=0, lt=100)]
    then: tuple["Step", ...] = ()
    otherwise: Annotated[tuple["Step", ...], Field(alias="else")] = ()


class If(Strict):
    """Continue with `then` if the criterion is true for the contact, otherwise with `else`."""

    criterion: object
    then: tuple["Step", ...] = ()
    otherwise: Annotated[tuple["Step", ...], Field(alias="else")] = ()


class Step(Strict):
    """A step: its id and exactly one other member, which is its kind."""

    id: StepId | None = None
    send: SendMessage | None = None
    wait: Wait | None = None
    wait_for: WaitFor | None = None
    if_: Annotated[If | None, Field(alias="if")] = None
    split: Split | None = None
    assign_label: OfLabel | None = None
    remove_label: OfLabel | None = None
    set_field: SetField | None = None
    exit: Exit | None = None

    @model_validator(mode="after")
    def is_of_one_kind(self, _: ValidationInfo) -> Self:
        members = self.model_fields_set - {"id"}
        if len(members) != 1:
            raise ValueError(f"a step has exactly one member apart from its id: {', '.join(KINDS)}")
        [name] = members
        if getattr(self, name) is None:
            raise ValueError(f"{name.rstrip('_')} must be an object")
        return self

    @property
    def kind(self) -> StepKind:
        """The kind of the step."""
        for kind in KINDS:
            if getattr(self, "if_" if kind == "if" else kind) is not None:
                return kind
        raise AssertionError("a step has exactly one kind")

    @property
    def body(self) -> WaitFor | If | Split | None:
        """The body of a step with inner steps; None for other kinds."""
        return self.wait_for or self.if_ or self.split

    @property
    def criterion(self) -> object:
        """The criterion of the step, as JSON values; None if it has none."""
        return getattr(self.body, "criterion", None)

    @property
    def branches(self) -> tuple[tuple[str, tuple["Step", ...]], ...]:
        """The inner steps, by the name of their member."""
        body = self.body
        return () if body is None else (("then", body.then), ("else", body.otherwise))

    def containing(
        self, branches: Mapping[str, tuple["Step", ...]], update: Mapping[str, object] | None = None
    ) -> Self:
        """Return the step with other inner steps and its body changed by `update`; empty branches are omitted."""
        body = self.body
        if body is None:
            return self
        changes: dict[str, object] = dict(update or {})
        for name, steps in branches.items():
            if steps:
                changes["otherwise" if name == "else" else name] = steps
        member = "if_" if self.if_ else "split" if self.split else "wait_for"
        return self.model_copy(update={member: body.model_copy(update=changes)})
