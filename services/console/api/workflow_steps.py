"""The steps of a workflow for pages: nested, by id, and as lines."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.console.api import workflow_sentences
from services.console.api.criterion_sentences import describe
from services.console.api.languages import _
from services.console.api.names import Names
from services.console.apis.client import Json
from services.console.domain.differences import Line


def shown_steps(steps: list[Json], names: Names, counts: Mapping[str, Json]) -> Iterator[dict[str, Any]]:
    """Return the steps with their branches; `counts` has the statistics of each step by id."""
    for body in steps:
        kind, inner = _parts(body)
        branched = _is_branched(inner)
        first_title, other_title = _branch_titles(kind)
        yield {
            "id": body.get("id"),
            "kind": kind,
            "text": workflow_sentences.step(body, names),
            "counts": counts.get(str(body.get("id"))),
            "titles": (first_title, other_title),
            "then": list(shown_steps(inner.get("then") or [], names, counts)) if branched else None,
            "otherwise": list(shown_steps(inner.get("else") or [], names, counts)) if branched else None,
        }


def texts_by_id(steps: list[Json], names: Names) -> Iterator[tuple[str, str]]:
    """Return a description of each step by id."""
    for body in steps:
        _kind, inner = _parts(body)
        yield str(body.get("id")), workflow_sentences.step(body, names)
        if isinstance(inner, dict):
            yield from texts_by_id([*(inner.get("then") or []), *(inner.get("else") or [])], names)


def lines_of(workflow: Json, names: Names) -> list[Line]:
    """Return a definition as lines, so that two definitions can be compared."""
    age = workflow.get("max_event_age")
    lines = [Line(0, _("Name: %(name)s", name=workflow["name"]))]
    lines += [_when(one, names) for one in workflow.get("triggers") or []]
    if workflow.get("condition"):
        lines.append(Line(0, _("Only if: %(what)s", what=describe(workflow["condition"], names))))
    lines += _step_lines(workflow.get("steps") or [], names, 0)
    lines += [
        Line(0, _("It ends early when %(what)s", what=workflow_sentences.trigger(one, names)))
        for one in workflow.get("exit_on") or []
    ]
    lines.append(Line(0, _("A contact goes through it %(how)s", how=reentry(workflow.get("reentry", "once")))))
    lines.append(Line(0, _("While it is paused %(what)s", what=while_paused(workflow.get("while_paused", "queue")))))
    if age:
        lines.append(Line(0, _("It ignores events that are older than %(span)s", span=workflow_sentences.span(age))))
    return lines


def outcome_of(outcome: str, step: str) -> str:
    """Return a description of the runs with an outcome at a step."""
    texts = {
        "passed": _("Passed the step: %(step)s", step=step),
        "sent": _("Were sent the message of the step: %(step)s", step=step),
        "not_sent": _("Were not sent the message of the step: %(step)s", step=step),
        "clicked": _("Clicked in the message of the step: %(step)s", step=step),
        "then": _("Went the first way at the step: %(step)s", step=step),
        "else": _("Went the other way at the step: %(step)s", step=step),
    }
    return texts.get(outcome, _("At the step: %(step)s", step=step))


def reentry(value: str) -> str:
    """Return a description of `reentry`."""
    texts = {
        "once": _("once"),
        "every_time": _("every time"),
        "not_while_running": _("again, but not while a run is in progress"),
    }
    return texts.get(value, value)


def while_paused(value: str) -> str:
    """Return a description of `while_paused`."""
    return {"queue": _("events wait"), "skip": _("events are ignored")}.get(value, value)


def _when(trigger: Json, names: Names) -> Line:
    text = _("When %(what)s", what=workflow_sentences.trigger(trigger, names))
    more = _("also contacts that are already there") if trigger.get("include_existing") else ""
    return Line(0, f"{text} ({more})" if more else text)


def _step_lines(steps: list[Json], names: Names, depth: int) -> Iterator[Line]:
    for body in steps:
        kind, inner = _parts(body)
        yield Line(depth, workflow_sentences.step(body, names))
        if _is_branched(inner):
            for branch, title in zip(("then", "else"), _branch_titles(kind), strict=True):
                if inner.get(branch):
                    yield Line(depth + 1, f"{title}:")
                    yield from _step_lines(inner[branch], names, depth + 2)


def _parts(body: Json) -> tuple[str, Any]:
    kind = next((name for name in body if name != "id"), "exit")
    return kind, body.get(kind) or {}


def _is_branched(inner: object) -> bool:
    return isinstance(inner, dict) and ("then" in inner or "else" in inner)


def _branch_titles(kind: str) -> tuple[str, str]:
    titles = {
        "wait_for": (_("When it happens"), _("When it does not")),
        "if": (_("If so"), _("If not")),
        "split": (_("The first way"), _("The other way")),
    }
    return titles.get(kind, ("", ""))
