"""Describes the triggers and steps of a workflow in sentences."""

from collections.abc import Mapping
from typing import Any

from services.console.api.criterion_sentences import describe
from services.console.api.formats import exactly
from services.console.api.languages import _, counted
from services.console.api.names import Names

Body = Mapping[str, Any]


def trigger(body: Body, names: Names) -> str:
    """Return a description of a trigger."""
    on = body.get("on")
    if on == "LabelAssigned":
        return _('a contact gets the label "%(label)s"', label=names.label(body.get("label")))
    if on == "LabelRemoved":
        return _('a contact loses the label "%(label)s"', label=names.label(body.get("label")))
    if on == "SegmentEntered":
        return _('a contact enters the segment "%(segment)s"', segment=names.segment(body.get("segment")))
    if on == "SegmentLeft":
        return _('a contact leaves the segment "%(segment)s"', segment=names.segment(body.get("segment")))
    if on == "ContactClicked":
        return _click(body, names)
    ref = f' "{body["ref"]}"' if body.get("ref") else ""
    kinds = {
        "form.submitted": _("a contact fills in the form%(ref)s", ref=ref),
        "survey.answered": _("a contact answers the survey%(ref)s", ref=ref),
        "page.visited": _("a contact visits the page%(ref)s", ref=ref),
    }
    kind = str(body.get("kind", ""))
    return kinds.get(kind, _("a contact does %(kind)s", kind=f"{kind}{ref}"))


def _click(body: Body, names: Names) -> str:
    if body.get("send") == "this_run":
        return _("the contact clicks in a mail of this workflow")
    if body.get("label"):
        return _('a contact clicks on a link with the label "%(label)s"', label=names.label(body["label"]))
    if body.get("message"):
        return _('a contact clicks in "%(message)s"', message=names.message(body["message"]))
    url = body.get("url") or body.get("url_starts_with")
    return _("a contact clicks on %(url)s", url=url) if url else _("a contact clicks on any link")


def span(body: Body) -> str:
    """Return a description of a length of time."""
    if body.get("until"):
        return _("until %(time)s", time=str(body["until"]))
    days, hours, minutes = (int(body.get(unit) or 0) for unit in ("days", "hours", "minutes"))
    parts = [
        counted("%(num)s day", "%(num)s days", days) if days else "",
        counted("%(num)s hour", "%(num)s hours", hours) if hours else "",
        counted("%(num)s minute", "%(num)s minutes", minutes) if minutes else "",
    ]
    text = ", ".join(part for part in parts if part) or _("no time")
    return text + (" " + _("(in office hours)") if body.get("within") else "")


def step(body: Body, names: Names) -> str:
    """Return a description of a step; for a step with branches, of its condition."""
    kind = next((name for name in body if name != "id"), "exit")
    inner = body.get(kind) or {}
    if kind == "wait_for":
        events = _(" or ").join(trigger(one, names) for one in inner.get("any") or [])
        what = events or (describe(inner["criterion"], names) if inner.get("criterion") else "")
        if not inner.get("at_most"):
            return _("Wait until %(what)s", what=what)
        return _("Wait until %(what)s, at most %(span)s", what=what, span=span(inner["at_most"]))
    return _simple(kind, inner, names)


def _simple(kind: str, inner: Body, names: Names) -> str:
    """Return a description of a step without events."""
    if kind == "wait":
        return _("Wait %(span)s", span=span(inner))
    if kind == "if":
        return _("If: %(what)s", what=describe(inner.get("criterion") or {"all": []}, names))
    sentences = {
        "send": _('Send "%(message)s"', message=names.message(inner.get("message"))),
        "split": _("Split at random: %(percent)s %% go the first way", percent=inner.get("percent")),
        "assign_label": _('Give the label "%(label)s"', label=names.label(inner.get("label"))),
        "remove_label": _('Take the label "%(label)s" away', label=names.label(inner.get("label"))),
        "set_field": _("Set %(field)s to %(value)s", field=inner.get("key"), value=inner.get("value")),
        "exit": _("End here"),
    }
    return sentences.get(kind, kind)


def result(entry: Body) -> str:
    """Return the values in a step's result as text."""
    values = entry.get("result") or {}
    if not isinstance(values, dict):
        return str(values)
    parts = []
    for name, value in values.items():
        if isinstance(value, dict | list) or value is None:
            continue
        shown = exactly(value) if name in ("until", "at", "due_at") and isinstance(value, str) else value
        parts.append(f"{name}: {shown}")
    return ", ".join(parts)
