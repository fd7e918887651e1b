"""Describes criteria in sentences, in the language of the request."""

from collections.abc import Mapping
from typing import Any

from services.console.api.formats import day
from services.console.api.languages import _, counted, language
from services.console.api.names import Names
from services.console.api.sentences import subscription
from services.console.apis.client import Api, ApiProblem, Unreachable

Body = Mapping[str, Any]


async def sentence_of(api: Api, criterion: Body, names: Names) -> str:
    """Return the sentence by which segmentation describes a criterion.

    If segmentation cannot do so, because something in the criterion was deleted, the sentence is made here.
    """
    try:
        body = {"criterion": criterion, "language": language.get()}
        return str((await api.post("segmentation", "/v1/criteria/describe", body))["sentence"])
    except (ApiProblem, Unreachable):
        return describe(criterion, names)


def describe(criterion: Body, names: Names) -> str:
    """Return the whole criterion as one sentence."""
    kind, body = _single_member(criterion)
    if kind in ("all", "any"):
        if not body:
            return _("everybody") if kind == "all" else _("nobody")
        conjunction = _(" and ") if kind == "all" else _(" or ")
        parts = [describe(part, names) for part in body]
        nested = [f"({text})" if _is_group(part) else text for part, text in zip(body, parts, strict=True)]
        return conjunction.join(nested)
    if kind == "not":
        return _("not: %(what)s", what=describe(body, names))
    return describe_condition(kind, body, names)


def describe_condition(kind: str, condition: Body | str, names: Names) -> str:
    """Return one condition, an object or a bare id, as a part of a sentence."""
    body = {"id": condition} if isinstance(condition, str) else condition
    if kind == "label":
        return _label(body, names)
    if kind == "segment":
        return _('is in the segment "%(name)s"', name=names.segment(body.get("id")))
    if kind == "clicks":
        return _clicks(body, names)
    if kind == "engaged":
        return _engaged(body, names)
    if kind == "field":
        return _field(body)
    if kind == "contact":
        return _contact(body)
    if kind == "top_label":
        text = _('is most interested in "%(label)s"', label=names.label(body.get("id")))
        return text + _period(body)
    if kind == "more_clicks":
        text = _(
            'clicked more on "%(label)s" than on "%(than)s"',
            label=names.label(body.get("label")),
            than=names.label(body.get("than")),
        )
        return text + _period(body)
    if kind == "sample":
        return _("is in a random %(percent)s %% of all", percent=body.get("percent"))
    return kind


def _single_member(node: Body) -> tuple[str, Any]:
    """Return the only member of a node; an empty node means all contacts."""
    return next(iter(node.items()), ("all", []))


def _is_group(criterion: Body) -> bool:
    kind, body = next(iter(criterion.items()))
    return kind in ("all", "any") and len(body) > 1


def _label(body: Body, names: Names) -> str:
    if body.get("any_of"):
        listed = ", ".join(f'"{names.label(one)}"' for one in body["any_of"])
        return _("has one of the labels %(labels)s", labels=listed) + _period(body)
    return _('has the label "%(label)s"', label=names.label(body.get("id"))) + _period(body)


def _period(body: Body) -> str:
    if body.get("within_days") is not None:
        return counted(" today", " in the last %(num)s days", int(body["within_days"]))
    if body.get("older_than_days") is not None:
        return counted(" before today", " more than %(num)s days ago", int(body["older_than_days"]))
    first, last = body.get("from"), body.get("to")
    if first and last:
        return _(" from %(first)s to %(last)s", first=day(first), last=day(last))
    if first:
        return _(" since %(first)s", first=day(first))
    return _(" until %(last)s", last=day(last)) if last else ""


def _times(body: Body) -> str:
    if "exactly" in body:
        return _("never") if body["exactly"] == 0 else counted("exactly once", "exactly %(num)s times", body["exactly"])
    if "at_most" in body:
        return counted("at most once", "at most %(num)s times", body["at_most"])
    number = int(body.get("at_least", 1))
    return "" if number == 1 else counted("at least once", "at least %(num)s times", number)


def _clicks(body: Body, names: Names) -> str:
    times = _times(body)
    target = ""
    if "label" in body:
        target = _(' on links with the label "%(label)s"', label=names.label(body["label"]))
    elif "message" in body:
        target = _(' in the message "%(message)s"', message=names.message(body["message"]))
    elif "link" in body:
        target = _(' on the link "%(link)s"', link=names.link(body["link"]))
    elif "send" in body:
        target = _(' in the send "%(send)s"', send=body["send"])
    elif "url" in body or "url_starts_with" in body:
        target = _(" on %(url)s", url=body.get("url") or f"{body['url_starts_with']}…")
    return " ".join(text for text in (_("clicked"), times) if text) + target + _period(body)


def _engaged(body: Body, names: Names) -> str:
    kind = str(body.get("kind", ""))
    descriptions = {
        "message.sent": _("was sent a message"),
        "message.delivered": _("received a message"),
        "message.opened": _("opened a message"),
        "message.bounced": _("had a mail that bounced"),
        "message.complained": _("marked a mail as spam"),
        "message.unsubscribed": _("unsubscribed"),
        "form.submitted": _("filled in a form"),
        "survey.answered": _("answered a survey"),
        "page.visited": _("visited a page"),
    }
    text = descriptions.get(kind, kind)
    if body.get("message"):
        text += f' "{names.message(body["message"])}"'
    if body.get("ref"):
        text += f' "{body["ref"]}"'
    times = _times(body)
    return text + (f" {times}" if times else "") + _period(body)


def _field(body: Body) -> str:
    key = body.get("key")
    operator, operand = next(((name, value) for name, value in body.items() if name != "key"), ("is", ""))
    shown = " / ".join(str(one) for one in operand) if isinstance(operand, list) else str(operand)
    words = {
        "is": _("is"),
        "is_not": _("is not"),
        "in": _("is one of"),
        "less_than": _("is less than"),
        "greater_than": _("is greater than"),
        "between": _("is between"),
        "before": _("is before"),
        "after": _("is after"),
        "starts_with": _("begins with"),
        "in_next_days": _("comes within (days)"),
        "anniversary_within_days": _("has its anniversary within (days)"),
        "within_days": _("was within (days)"),
        "older_than_days": _("was longer ago than (days)"),
    }
    if operator == "exists":
        return _("%(field)s is filled in", field=key) if operand else _("%(field)s is empty", field=key)
    return f"{key} {words.get(operator, operator)} {shown}"


def _contact(body: Body) -> str:
    key, value = _single_member(body)
    if key == "created":
        return _("was added") + _period(value)
    values = value if isinstance(value, list) else [value]
    if key == "subscription":
        values = [subscription(one) for one in values]
    words = {
        "language": _("the language is %(values)s", values=" / ".join(values)),
        "subscription": _("the subscription is %(values)s", values=" / ".join(values)),
        "source": _("was acquired at %(values)s", values=" / ".join(values)),
        "email_domain": _("the address is at %(values)s", values=" / ".join(values)),
    }
    return words.get(key, key)
