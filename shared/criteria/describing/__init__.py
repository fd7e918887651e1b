"""A criterion as a sentence in plain English or Dutch."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol
from uuid import UUID

from babel.dates import format_date
from babel.numbers import format_decimal, format_scientific

from shared.criteria.comparing import parse_day
from shared.criteria.describing.phrases import PHRASES, Language, Phrases
from shared.criteria.grammar import (
    All,
    AnniversaryWithinDays,
    AnyOf,
    Clicked,
    ContactCreated,
    ContactIs,
    Count,
    Criterion,
    Engaged,
    FieldCompared,
    FieldDay,
    FixedDays,
    HoldsLabel,
    InNextDays,
    InSegment,
    MoreClicks,
    Not,
    OlderThanDays,
    Period,
    Sampled,
    TopLabel,
    WithinDays,
)
from shared.events.labeling import Scalar

__all__ = ["Language", "Names", "describe"]

MAX_LISTED = 5  # values in a sentence; of more, the number of the others follows
# Other numbers are written with an exponent: many zeros are hard to read, and babel's decimals have 28 digits.
GREATEST_PLAIN = 10**15
SMALLEST_PLAIN = 1e-6


class Names(Protocol):
    """The names of the things that a criterion refers to."""

    def label(self, label_id: UUID) -> str: ...
    def segment(self, segment_id: UUID) -> str: ...
    def message(self, message_id: UUID) -> str: ...
    def link(self, link_id: UUID) -> str: ...
    def field(self, key: str) -> str: ...


def describe(criterion: Criterion, language: Language, names: Names) -> str:
    """Return a sentence that says what the criterion means; segments are called by their names."""
    describer = _Describer(PHRASES[language], language, names)
    if isinstance(criterion, All) and not criterion.parts:
        return describer.phrases.everybody
    if isinstance(criterion, AnyOf) and not criterion.parts:
        return describer.phrases.nobody
    return describer.phrases.contacts.format(clauses=describer.clause(criterion, outermost=True))


class _Describer:
    """Makes clauses about contacts, each beginning with its relative pronoun."""

    def __init__(self, phrases: Phrases, language: Language, names: Names) -> None:
        self.phrases = phrases
        self.language = language
        self.names = names

    def clause(self, node: Criterion, *, outermost: bool = False) -> str:
        match node:
            case All(parts) | AnyOf(parts):
                return self.group(node, parts, outermost=outermost)
            case Not(part):
                return self.opposite(part)
            case _:
                return self.leaf(node)[0]

    def group(self, node: All | AnyOf, parts: Sequence[Criterion], *, outermost: bool) -> str:
        if len(parts) == 1:
            return self.clause(parts[0], outermost=outermost)
        word = self.phrases.and_ if isinstance(node, All) else self.phrases.or_
        if not parts:
            sentence = self.phrases.everybody if isinstance(node, All) else self.phrases.nobody
            return f"({sentence.rstrip('.').lower()})"
        joined = self.join([self.clause(part) for part in parts], word)
        if isinstance(node, AnyOf):
            joined = self.phrases.either.format(clauses=joined)
        return joined if outermost else f"({joined})"

    def opposite(self, part: Criterion) -> str:
        if isinstance(part, Not):
            return self.clause(part.part)
        if isinstance(part, All | AnyOf):
            return self.phrases.opposite_of_group.format(clause=self.clause(part, outermost=True))
        negative = self.leaf(part)[1]
        return negative or self.phrases.opposite.format(clause=self.clause(part))

    def leaf(self, node: Criterion) -> tuple[str, str]:
        """Return the clause and its opposite; the latter is empty if it must be phrased with `Phrases.opposite`."""
        match node:
            case HoldsLabel(labels, period):
                since = self.phrases.since.format(period=self.period(period)) if period else ""
                listed = self.listed([self.quoted(self.names.label(label)) for label in labels])
                return self.pair(self.phrases.label, names=listed, since=since)
            case InSegment(segment):
                return self.pair(self.phrases.segment, name=self.quoted(self.names.segment(segment)))
            case Clicked():
                return self.clicked(node)
            case Engaged():
                return self.engaged(node)
            case TopLabel() | MoreClicks():
                return self.compared(node)
            case Sampled(percent, seed):
                shown = self.number(percent)
                return self.pair(self.phrases.sample, percent=shown, seed=seed)
            case _:
                return self.attribute(node)

    def attribute(self, node: Criterion) -> tuple[str, str]:
        match node:
            case FieldCompared(key, "exists", operand):
                positive, negative = self.pair(self.phrases.exists, name=self.names.field(key))
                return (positive, negative) if operand else (negative, positive)
            case FieldCompared(key, operator, operand):
                operands = operand if isinstance(operand, tuple) else (operand,)
                values = [self.value(one) for one in operands]
                shown = {"value": values[0], "last": values[-1]} if operator == "between" else {}
                shown = shown or {"value": self.listed(values)}
                return self.pair(self.phrases.operators[operator], name=self.names.field(key), **shown)
            case FieldDay(key, InNextDays(days) | AnniversaryWithinDays(days)):
                kind = "in_next_days" if isinstance(node.window, InNextDays) else "anniversary_within_days"
                return self.pair(self.phrases.operators[kind], name=self.names.field(key), n=days)
            case FieldDay(key, WithinDays() | OlderThanDays() | FixedDays() as window):
                return self.pair(self.phrases.operators["day"], name=self.names.field(key), period=self.period(window))
            case ContactIs(attribute, values):
                name = self.phrases.attributes[attribute]
                translated = [self.phrases.subscriptions.get(one, one) for one in values]
                shown_values = self.listed(translated if attribute == "subscription" else list(values))
                return self.pair(self.phrases.operators["in"], name=name, value=shown_values)
            case ContactCreated(period):
                return self.pair(self.phrases.created, period=self.period(period))
            case _:
                raise TypeError(f"{type(node).__name__} is not a leaf")

    def clicked(self, node: Clicked) -> tuple[str, str]:
        name = ""
        if isinstance(node.target, UUID):
            name_of = {"label": self.names.label, "message": self.names.message, "link": self.names.link}
            name = name_of[str(node.selector)](node.target)
        elif node.target is not None:
            name = node.target
        target = self.phrases.targets[node.selector or "any"].format(name=self.quoted(name))
        target += self.phrases.even_refused if node.refused else ""
        return self.counted(self.phrases.clicked, node.count, target=target, period=self.period(node.period))

    def engaged(self, node: Engaged) -> tuple[str, str]:
        more = self.phrases.reference.format(ref=node.ref) if node.ref else ""
        what = self.phrases.a_message
        if node.message is not None:
            name = self.quoted(self.names.message(node.message))
            what = self.pair(self.phrases.the_message, name=name)
            more += "" if node.kind.startswith("message.") else self.phrases.of_message.format(name=name)
        if node.send is not None:
            more += self.phrases.of_send.format(name=self.quoted(node.send))
        clauses = self.phrases.engaged.get(node.kind) or self.phrases.other_engagement
        parts = {"more": more, "period": self.period(node.period), "kind": node.kind}
        negation = "" if node.message is None else self.phrases.negation
        count = "" if node.count == Count() else self.number_of_times(node.count)
        positive = clauses[0].format(what=what[0], count=count, **parts)
        negative = clauses[1].format(what=what[1], negation=negation, **parts)
        return self.by_count(node.count, positive, negative, clauses[0].format(what=what[0], count="", **parts))

    def counted(self, pair: tuple[str, str], count: Count, **parts: str) -> tuple[str, str]:
        times = "" if count == Count() else self.number_of_times(count)
        positive, negative = pair[0].format(count=times, **parts), pair[1].format(count="", **parts)
        return self.by_count(count, positive, negative, pair[0].format(count="", **parts))

    def by_count(self, count: Count, positive: str, negative: str, at_all: str) -> tuple[str, str]:
        """Return the clause and its opposite. For a count of zero these are `negative` and `at_all`."""
        if count == Count():
            return positive, negative
        if count.number == 0 and count.comparison != "at_least":
            return negative, at_all
        return positive, ""

    def number_of_times(self, count: Count) -> str:
        words = self.phrases.once if count.number == 1 else self.phrases.counts
        return words[count.comparison].format(n=count.number)

    def compared(self, node: TopLabel | MoreClicks) -> tuple[str, str]:
        period = self.period(node.period)
        name = self.quoted(self.names.label(node.label))
        if isinstance(node, MoreClicks):
            with_factor = self.phrases.as_many if node.times == 1 else self.phrases.times_as_many
            pair = self.phrases.more_clicks if node.times is None else with_factor
            than = self.quoted(self.names.label(node.than))
            return self.pair(pair, name=name, than=than, period=period, n=node.times)
        if node.among is None:
            return self.pair(self.phrases.top_label, name=name, period=period)
        among = [self.quoted(self.names.label(label)) for label in {node.label: 0, **dict.fromkeys(node.among)}]
        return self.pair(
            self.phrases.top_label_among, name=name, names=self.join(among, self.phrases.and_), period=period
        )

    def period(self, period: Period | None) -> str:
        phrases = self.phrases.periods
        match period:
            case None:
                return ""
            case WithinDays(1):
                return phrases["today"]
            case WithinDays(days):
                return phrases["within_days"].format(n=days)
            case OlderThanDays(days):
                return phrases["older_than_days"].format(n=days)
            case FixedDays(None, last):
                return phrases["to"].format(last=self.day(last)) if last else ""
            case FixedDays(first, None):
                return phrases["from"].format(first=self.day(first))
            case FixedDays(first, last):
                return phrases["both"].format(first=self.day(first), last=self.day(last))

    def day(self, day: date | None) -> str:
        return format_date(day, "long", locale=self.language)

    def value(self, value: Scalar) -> str:
        if isinstance(value, bool):
            return self.phrases.yes if value else self.phrases.no
        if isinstance(value, str):
            day = parse_day(value)
            return self.quoted(value) if day is None else self.day(day)
        return self.number(value)

    def number(self, number: float) -> str:
        """Return all digits of a number: a rounded one would have another meaning."""
        format_number = format_scientific if _needs_exponent(number) else format_decimal
        return format_number(number, locale=self.language, decimal_quantization=False)

    def listed(self, values: list[str]) -> str:
        shown = values if len(values) <= MAX_LISTED + 1 else [*values[:MAX_LISTED], f"{len(values) - MAX_LISTED}…"]
        return self.join(shown, self.phrases.or_)

    def join(self, parts: list[str], word: str) -> str:
        if len(parts) == 1:
            return parts[0]
        return f"{', '.join(parts[:-1])} {word} {parts[-1]}"

    def quoted(self, name: str) -> str:
        return f"“{name}”"

    def pair(self, pair: tuple[str, str], **parts: object) -> tuple[str, str]:
        return pair[0].format(**parts), pair[1].format(**parts)


def _needs_exponent(number: float) -> bool:
    return number != 0 and not SMALLEST_PLAIN <= abs(number) < GREATEST_PLAIN
