"""Criteria of runs: replaces `this_run` by the run's send, and segments by their present criteria."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from services.workflow.domain.triggers import THIS_RUN
from shared.criteria import Criterion, InvalidCriterion, inline_segments
from shared.criteria.grammar import All, AnyOf, Clicked, Engaged, Not
from shared.criteria.references import walk


def for_run(criterion: Criterion, run: UUID) -> Criterion:
    """Return the criterion with the run's id in place of `this_run` as a send."""
    if any(isinstance(node, Clicked | Engaged) and _names_this_run(node) for node in walk(criterion)):
        return _replaced(criterion, str(run))
    return criterion


def inlined(criterion: Criterion, find: Callable[[UUID], Criterion | None]) -> Criterion | str:
    """Return the criterion with its segments inlined, or the reason why that is impossible."""
    try:
        return inline_segments(criterion, find)
    except InvalidCriterion as invalid:
        return invalid.faults[0].detail


def _names_this_run(node: Clicked | Engaged) -> bool:
    return node.send == THIS_RUN if isinstance(node, Engaged) else (node.selector, node.target) == ("send", THIS_RUN)


def _replaced(node: Criterion, send: str) -> Criterion:
    match node:
        case All(parts) | AnyOf(parts):
            return replace(node, parts=tuple(_replaced(part, send) for part in parts))
        case Not(part):
            return replace(node, part=_replaced(part, send))
        case Clicked() if _names_this_run(node):
            return replace(node, target=send)
        case Engaged() if _names_this_run(node):
            return replace(node, send=send)
    return node
