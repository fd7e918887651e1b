"""The criterion: a closed grammar of conditions on one contact, and the meaning of each.

A criterion is about one contact at a time. Two programs evaluate it: `shared.criteria.evaluation`, on the facts of one
contact, and segmentation's image, with bitmaps. This docstring defines the behaviour of both.

Trees
    `all` of no parts is true, `any` of no parts is false. A criterion is true for known contacts only: a contact that
    was erased or merged is a member of no segment. At most 100 nodes and 10 levels, the root being the first; the nodes
    of named segments are not included, see `shared.criteria.references.inline_segments`.

Days
    A day is a day of the account's time zone; an event belongs to the day of its `occurred_at`. `today` is a parameter
    of the evaluation. `within_days: N` is today and the N-1 days before; `older_than_days: N` is every day before
    those, so the two together cover all days; `from` and `to` are inclusive, and either may be omitted. Without a
    period every day counts. `within_days` is at most 366, `older_than_days` at most 3,660.

Labels
    `label` is true for a contact that holds the label, or one of the labels, now. With a period, the contact must hold
    it since a day in the period. A label that is asserted again while it is held keeps its first day.

    A criterion on a merged label, or on the label that it was merged into, means both. A click on a link with both
    counts once, a contact who holds both holds them since the earlier day, and a refusal of either lasts until one of
    them is assigned again.

Counts
    `clicks` and `engaged` count matching events and compare the number; the default is `at_least: 1`. `exactly: 0` and
    `at_most: 0` are true for a contact without any events. Only clicks with the verdict `human` count; events of a send
    of kind `test` do not count. `clicks` has at most one selector. A label selects the clicks whose link carried the
    label when the click was recorded. A send is selected by its id only. URLs compare exactly, by code points.

    A contact that removed a label itself (origin `self`) has refused it, until the label is assigned again. Its clicks
    on that label do not count, unless the node has `refused: true`. Workflows and imports cannot assign what the
    contact refused, so an assignment means that the contact or a person assigned it again.

Labels compared
    `more_clicks` is true if the contact clicked more on `label` than on `than`; with `times: N`, if it clicked on
    `label` at least once and at least N times as much. `top_label` is true if the contact clicked `id` at least once,
    and most often of the labels in `among` (which always includes `id`) or of all labels. Of labels with the same
    number of clicks, the one that was clicked on a later day comes first, then the one with the smaller id, which is
    the older label. Clicks on refused labels do not count.

Fields
    Text and choices compare in Unicode normal form C and without case (`normal` in `shared.criteria.comparing`); white
    space counts. Numbers compare as 64-bit floats, which is what JSON readers agree on, so 1 is 1.0; integers beyond
    their range compare as infinite. Dates are written `YYYY-MM-DD` and compare as days. `is_not` is exactly the
    opposite of `is`: it is true if there is no value. `exists: true` is true if there is a value of any type, even an
    empty text; `exists: false` if there is none. `less_than`, `greater_than`, `before` and `after` are strict;
    `between` includes both ends. Every operator but `is_not` and `exists: false` is false if there is no value, or a
    value of another type. `in` takes 1 to 1,000 values.

    Date fields accept a PERIOD as an operator, which is true for days in the period. `in_next_days: N` is today and the
    N-1 days after it. `anniversary_within_days: N` is true if an anniversary of the date, one or more years after it,
    is today or on one of the N-1 days after. In a year without 29 February, the anniversary of that day is 28 February.

Contacts
    `contact` tests the built-in attributes of contacts. `email_domain`, `language`, `source` and `subscription` accept
    a text or a list of up to 1,000 texts, which compare like text fields. `created` accepts a PERIOD; it is false if
    the day is unknown.

Samples
    `sample` is true for about `percent` in 100 contacts. It depends only on the seed and the contact id, and the sample
    of a smaller percentage is a subset of the sample of a larger one.

Segments
    `segment` is true if the other segment's criterion is true; segments are inlined, and must not form cycles.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

from shared.events.labeling import Scalar

MAX_NODES = 100
MAX_LEVELS = 10
MAX_WITHIN_DAYS = 366
MAX_OLDER_DAYS = 3660
MAX_COUNT = 1_000_000
MAX_VALUES = 1000
MAX_TIMES = 100

Selector = Literal["label", "message", "link", "send", "url", "url_starts_with"]
Comparison = Literal["at_least", "at_most", "exactly"]
Operator = Literal[
    "is",
    "is_not",
    "in",
    "less_than",
    "greater_than",
    "between",
    "before",
    "after",
    "exists",
    "starts_with",
]

Attribute = Literal["email_domain", "language", "source", "subscription"]

RESERVED = frozenset({"where", "verdicts"})


@dataclass(frozen=True, slots=True)
class WithinDays:
    """Today and the `days - 1` days before it."""

    days: int

    def bounds(self, today: date) -> tuple[date | None, date | None]:
        """Return the first and the last day of the period, inclusive. None means that it has no end."""
        return today - timedelta(days=self.days - 1), today


@dataclass(frozen=True, slots=True)
class OlderThanDays:
    """Every day before `WithinDays(days)`."""

    days: int

    def bounds(self, today: date) -> tuple[date | None, date | None]:
        """Return the first and the last day of the period, inclusive. None means that it has no end."""
        return None, today - timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class FixedDays:
    """From one day to another, inclusive; None means unbounded."""

    first: date | None
    last: date | None

    def bounds(self, today: date) -> tuple[date | None, date | None]:
        """Return the first and the last day of the period, inclusive. None means that it has no end."""
        return self.first, self.last


Period: TypeAlias = WithinDays | OlderThanDays | FixedDays


@dataclass(frozen=True, slots=True)
class InNextDays:
    """Today and the `days - 1` days after it."""

    days: int

    def bounds(self, today: date) -> tuple[date | None, date | None]:
        """Return the first and the last day of the period, inclusive. None means that it has no end."""
        return today, today + timedelta(days=self.days - 1)


@dataclass(frozen=True, slots=True)
class AnniversaryWithinDays:
    """An anniversary is in `InNextDays(days)`."""

    days: int


@dataclass(frozen=True, slots=True)
class Count:
    """A comparison with a number of clicks or engagements."""

    comparison: Comparison = "at_least"
    number: int = 1

    def holds(self, seen: int) -> bool:
        """Return whether `seen` satisfies the comparison."""
        if self.comparison == "at_least":
            return seen >= self.number
        if self.comparison == "at_most":
            return seen <= self.number
        return seen == self.number


def _pointer() -> str:
    # The pointer is not compared: equal nodes share one evaluation.
    return field(default="", compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class All:
    """Every part is true."""

    parts: tuple["Criterion", ...]
    pointer: str = _pointer()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part is true."""

    parts: tuple["Criterion", ...]
    pointer: str = _pointer()


@dataclass(frozen=True, slots=True)
class Not:
    """The part is false."""

    part: "Criterion"
    pointer: str = _pointer()


@dataclass(frozen=True, slots=True)
class HoldsLabel:
    """The contact holds one of the labels, since a day in the period if there is one. `listed`: written with
    `any_of`."""

    labels: tuple[UUID, ...]
    period: Period | None = None
    listed: bool = field(default=False, compare=False)
    pointer: str = _pointer()


@dataclass(frozen=True, slots=True)
class Clicked:
    """The contact has a number of human clicks. `target` is a UUID for label, message and link, else a text.

    `refused`: clicks on a label count although the contact has refused it.
    """

    selector: Selector | None = None
    target: UUID | str | None = None
    count: Count = Count()
    period: Period | None = None
    refused: bool = False
    pointer: str = _pointer()


@dataclass(frozen=True, slots=True)
class Engaged:
    """The contact has a number of engagements of one kind."""

    kind: str
    ref: str | None = None
    message: UUID | None = None
    send: str | None = None
    count: Count = Count()
    period: Period | None = None
    pointer: str = _pointer()


@dataclass(frozen=True, slots=True)
class FieldCompared:
    """A field's value compared with an operand: a scalar, or a tuple of them for `in` and `between`."""

    key: str
    operator: Operator
    operand: Scalar | tuple[Scalar, ...]
    pointer: str = _pointer()

    def __hash__(self) -> int:
        return hash((self.key, self.operator, repr(self.operand)))

    def __eq__(self, other: object) -> bool:
        # True equals 1 in Python, but not in a criterion.
        return (
            isinstance(other, FieldCompared)
            and (self.key, self.operator) == (other.key, other.operator)
            and repr(self.operand) == repr(other.operand)
        )


@dataclass(frozen=True, slots=True)
class FieldDay:
    """A date field's day in a period, or an anniversary of it."""

    key: str
    window: Period | InNextDays | AnniversaryWithinDays
    pointer: str = _pointer()


@dataclass(frozen=True, slots=True)
class ContactIs:
    """An attribute of the contact is one of the values. `listed`: written as a list."""

    attribute: Attribute
    values: tuple[str, ...]
    listed: bool = field(default=False, compare=False)
    pointer: str = _pointer()


@dataclass(frozen=True, slots=True)
class ContactCreated:
    """The contact was created on a day in the period."""

    period: Period
    pointer: str = _pointer()


@dataclass(frozen=True, slots=True)
class TopLabel:
    """The label is the contact's most clicked one, of those in `among` or (None) of all."""

    label: UUID
    among: tuple[UUID, ...] | None = None
    period: Period | None = None
    pointer: str = _pointer()


@dataclass(frozen=True, slots=True)
class MoreClicks:
    """The contact clicked more on `label` than on `than`; with `times`, at least `times` as much."""

    label: UUID
    than: UUID
    times: int | None = None
    period: Period | None = None
    pointer: str = _pointer()


@dataclass(frozen=True, slots=True)
class Sampled:
    """The contact is in the sample of this seed. `percent` is a whole number or has decimals, from above 0 to 100."""

    percent: float
    seed: str
    pointer: str = _pointer()


@dataclass(frozen=True, slots=True)
class InSegment:
    """The contact is a member of another segment. `criterion` is the segment's; None until it is inlined."""

    segment: UUID
    criterion: "Criterion | None" = None
    pointer: str = _pointer()


Criterion: TypeAlias = (
    All
    | AnyOf
    | Not
    | HoldsLabel
    | Clicked
    | Engaged
    | FieldCompared
    | FieldDay
    | ContactIs
    | ContactCreated
    | TopLabel
    | MoreClicks
    | Sampled
    | InSegment
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a criterion, with a JSON pointer from its root.

    `on_writing`: the fault only prevents writing the criterion; a stored one can still be evaluated.
    """

    pointer: str
    detail: str
    on_writing: bool = field(default=False, compare=False)


class InvalidCriterion(Exception):
    """The criterion cannot be used; `faults` say why and where."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{fault.pointer or '/'}: {fault.detail}" for fault in faults))
        self.faults = faults
