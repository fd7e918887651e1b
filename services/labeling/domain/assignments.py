"""One contact and one label: the origins that support it, whether it is held, and the number of clicks.

An assignment rests on supports. A support is an origin that asserted the label: all clicks together are one counted
support, any other origin is a support by its kind and reference. `decide` returns the outcome of a command on a state,
which is what the history shows; `evolve` returns the state after it.

    assert, not held          assigned     the label is held from now on
    assert, held              confirmed    one more support, no second assignment
    assert, withdrawn         refused      the contact removed the label itself: only it or a person can restore it
    assert, removed since     refused      the report is about a time before the label was removed
    remove, held              removed      all its supports end
    remove by the contact     declined     it was not held; automation may not assign it from now on
    take back, others left    withdrawn    one support less
    take back, none left      removed
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal, NamedTuple

from shared.events.parts import Origin

Pair = tuple[int, int]  # label_no, contact_id; a label belongs to one account
Outcome = Literal["assigned", "confirmed", "removed", "withdrawn", "refused", "declined"]

CLICK = "click"
SELF = "self"
MAY_GIVE_BACK = frozenset({SELF, "manual"})  # origins that may assign a label that the contact removed itself
REPORTED = frozenset({CLICK, "workflow"})  # origins whose events may be reported long after they happened
REMOVED_BY_CONTACT, REMOVED_SINCE = "removed_by_the_contact", "removed_since"


class Support(NamedTuple):
    """An origin other than a click that asserted the label, and the time when it last did so."""

    origin: Origin
    at: datetime


NO_SUPPORTS: Mapping[str, Support] = MappingProxyType({})


class Assignment(NamedTuple):
    """The state of one contact and one label.

    `supports` are keyed by `support_key`. `click_supports` counts the clicks that the label rests on, `clicks` all
    human clicks on links that carried the label, including those while the contact refused it. `removed_at` is the time
    of the last removal.
    """

    held: bool = False
    since: datetime | None = None
    click_supports: int = 0
    supports: Mapping[str, Support] = NO_SUPPORTS
    clicks: int = 0
    first_click: datetime | None = None
    last_click: datetime | None = None
    withdrawn_by_self: bool = False
    removed_at: datetime | None = None


NOTHING = Assignment()


class AssertLabel(NamedTuple):
    """Assign the label, with an origin as its support."""

    origin: Origin
    at: datetime


class RemoveLabel(NamedTuple):
    """Remove the label, whatever its supports: by a person, the contact, a workflow, a deletion."""

    origin: Origin
    at: datetime


class TakeBack(NamedTuple):
    """Withdraw one support: after the verdict on a click changed, a link was relabelled, or an import was undone.

    `supported` is the origin of the support to withdraw; `origin` is that of the withdrawal.
    """

    supported: Origin
    origin: Origin
    at: datetime


Command = AssertLabel | RemoveLabel | TakeBack


def support_key(origin: Origin) -> str:
    """Return the key that identifies a support: the kind of its origin, with the reference.

    >>> support_key(Origin(kind="import", ref="spring"))
    'import:spring'
    """
    reference = origin.ref or origin.workflow_id or origin.key_id
    return origin.kind if reference is None else f"{origin.kind}:{reference}"


def decide(state: Assignment, command: Command) -> Outcome | None:
    """Return the outcome of `command`; None if nothing happened that the history should record."""
    if isinstance(command, AssertLabel):
        if refusal(state, command) is not None:
            return "refused"
        return "confirmed" if state.held else "assigned"
    if isinstance(command, RemoveLabel):
        if state.held:
            return "removed"
        return "declined" if command.origin.kind == SELF and not state.withdrawn_by_self else None
    return _decide_taking_back(state, command)


def refusal(state: Assignment, command: AssertLabel) -> str | None:
    """Return why the assertion is refused, or None."""
    kind = command.origin.kind
    if state.withdrawn_by_self and kind not in MAY_GIVE_BACK:
        return REMOVED_BY_CONTACT
    if kind in REPORTED and not state.held and state.removed_at is not None and command.at < state.removed_at:
        return REMOVED_SINCE
    return None


def _decide_taking_back(state: Assignment, command: TakeBack) -> Outcome | None:
    if command.supported.kind == CLICK:
        if state.click_supports == 0:
            return None
        is_last = state.click_supports == 1 and not state.supports
    else:
        key = support_key(command.supported)
        if key not in state.supports:
            return None
        is_last = state.click_supports == 0 and len(state.supports) == 1
    return "removed" if is_last else "withdrawn"


def evolve(state: Assignment, command: Command, outcome: Outcome) -> Assignment:
    """Return the state after `command`, given its outcome. Clicks are counted by `clicked`, not here."""
    if outcome == "refused":
        return state
    if isinstance(command, AssertLabel):
        return _with_support(state, command.origin, command.at, newly=outcome == "assigned")
    if outcome == "withdrawn" and isinstance(command, TakeBack):
        return _without_support(state, command.supported)
    return state._replace(
        held=False,
        since=None,
        click_supports=0,
        supports=NO_SUPPORTS,
        withdrawn_by_self=state.withdrawn_by_self or command.origin.kind == SELF,
        removed_at=state.removed_at if isinstance(command, TakeBack) else command.at,
    )


def _with_support(state: Assignment, origin: Origin, at: datetime, *, newly: bool) -> Assignment:
    click_supports, supports = state.click_supports, state.supports
    if origin.kind == CLICK:
        click_supports += 1
    else:
        supports = {**supports, support_key(origin): Support(origin, at)}
    return Assignment(
        True,
        at if newly else state.since,
        click_supports,
        supports,
        state.clicks,
        state.first_click,
        state.last_click,
        False,
        state.removed_at,
    )


def _without_support(state: Assignment, supported: Origin) -> Assignment:
    if supported.kind == CLICK:
        return state._replace(click_supports=state.click_supports - 1)
    key = support_key(supported)
    return state._replace(supports={name: support for name, support in state.supports.items() if name != key})


def clicked(state: Assignment, at: datetime) -> tuple[Assignment, Outcome]:
    """Count a human click on a link that carries the label, and assert the label with origin `click`.

    Does the same as counting, `decide` and `evolve` with `AssertLabel`, in one step, because it runs for every click.
    """
    first, last = state.first_click, state.last_click
    if first is None or at < first:
        first = at
    if last is None or at > last:
        last = at
    held, since, click_supports, supports, clicks, _, _, withdrawn, removed_at = state
    if withdrawn or (not held and removed_at is not None and at < removed_at):
        counted = Assignment(held, since, click_supports, supports, clicks + 1, first, last, withdrawn, removed_at)
        return counted, "refused"
    supported = Assignment(
        True, since if held else at, click_supports + 1 if held else 1, supports, clicks + 1, first, last, False,
        removed_at,
    )  # fmt: skip
    return supported, "confirmed" if held else "assigned"


def merged(into: Assignment, source: Assignment) -> Assignment:
    """Return the assignment of a label into which another one is merged: supports and clicks add up.

    If the contact refused one of the labels, it has refused both.
    """
    refused = into.withdrawn_by_self or source.withdrawn_by_self
    held = (into.held or source.held) and not refused
    return Assignment(
        held=held,
        since=_earliest(into.since, source.since) if held else None,
        click_supports=into.click_supports + source.click_supports if held else 0,
        supports={**source.supports, **into.supports} if held else NO_SUPPORTS,
        clicks=into.clicks + source.clicks,
        first_click=_earliest(into.first_click, source.first_click),
        last_click=max(filter(None, (into.last_click, source.last_click)), default=None),
        withdrawn_by_self=refused,
        removed_at=max(filter(None, (into.removed_at, source.removed_at)), default=None),
    )


def _earliest(first: datetime | None, second: datetime | None) -> datetime | None:
    return min(filter(None, (first, second)), default=None)
