"""The builder of criteria: a tree of fields with the count at every node, on every page that needs one."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

from fastapi import Response

from services.console.api.criterion_sentences import sentence_of
from services.console.api.forms import Form, read_form
from services.console.api.names import Names
from services.console.api.page import AccountPage, OfAccount
from services.console.api.people import contacts_by_id
from services.console.api.refusals import refusal
from services.console.apis.client import ApiProblem, Json, Unreachable
from services.console.domain.criterion_draft import changed
from services.console.domain.criterion_form import Built, Node, criterion_of, draft_of_form, empty_draft
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/criteria", include_in_schema=False)

ENGAGEMENTS = (
    "form.submitted",
    "survey.answered",
    "page.visited",
    "message.sent",
    "message.opened",
    "message.bounced",
)
_CACHED_FOR = 5.0  # seconds
_SAMPLE_SIZE = 5  # contacts that are listed


@dataclass(slots=True)
class Choices:
    """The things that conditions can name."""

    labels: list[Json] = field(default_factory=list)
    fields: list[Json] = field(default_factory=list)
    messages: list[Json] = field(default_factory=list)
    segments: list[Json] = field(default_factory=list)
    engagements: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # by kind: references with their names

    def names(self) -> Names:
        """Return the names of all choices."""
        lists = {"labels": self.labels, "messages": self.messages, "segments": self.segments}
        return Names(**{kind: {one["id"]: one["name"] for one in items} for kind, items in lists.items()})

    def field_type(self, key: str) -> str:
        """Return the type of a contact's field; text for an unknown one."""
        return next((str(one["type"]) for one in self.fields if one["key"] == key), "text")

    def field_choices(self, key: str) -> list[str]:
        """Return the values of a choice field."""
        return next((list(one.get("choices") or []) for one in self.fields if one["key"] == key), [])


@dataclass(slots=True)
class Builder:
    """A criterion that is being edited: its tree, its meaning, and counts and faults by place.

    `sentence` is empty while something is missing.
    """

    prefix: str
    root: Node
    choices: Choices
    built: Built
    counts: dict[str, int] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    total: int | None = None
    took_ms: float | None = None
    sentence: str = ""
    sample: list[Json] = field(default_factory=list)  # some of the contacts

    def is_ready(self) -> bool:
        """Return whether all conditions are filled in."""
        return not self.built.missing


async def load_choices(page: AccountPage) -> Choices:
    """Return the things that conditions can name."""
    labels, fields, messages, segments, engagements = await asyncio.gather(
        page.api.items("labeling", "/v1/labels"),
        page.api.items("labeling", "/v1/fields"),
        page.api.items("tracking", "/v1/messages"),
        page.api.items("segmentation", "/v1/segments"),
        _engagements(page),
    )
    active = sorted((label for label in labels if label["state"] != "deleted"), key=lambda one: one["name"].casefold())
    choices = Choices(active, fields, messages, segments, engagements)
    page.request.app.state.choices.keep(page.account_id, choices)
    return choices


class RecentChoices:
    """A cache of accounts' choices for a few seconds, because a page needs them at every keystroke."""

    def __init__(self) -> None:
        self._loaded: dict[int, tuple[float, Choices]] = {}

    def find(self, account_id: int) -> Choices | None:
        """Return the cached choices of an account, or None."""
        loaded_at, choices = self._loaded.get(account_id, (-_CACHED_FOR, None))
        return choices if monotonic() - loaded_at < _CACHED_FOR else None

    def keep(self, account_id: int, choices: Choices) -> None:
        """Store loaded choices, and drop expired ones."""
        now = monotonic()
        self._loaded = {key: one for key, one in self._loaded.items() if now - one[0] < _CACHED_FOR}
        self._loaded[account_id] = (now, choices)


async def recent_choices(page: AccountPage) -> Choices:
    """Return the choices for conditions, at most a few seconds old."""
    recent: RecentChoices = page.request.app.state.choices
    return recent.find(page.account_id) or await load_choices(page)


async def _engagements(page: AccountPage) -> dict[str, list[tuple[str, str]]]:
    """Return the reported references of engagements, with their names, by kind; all forms, also without reports."""
    forms = await page.api.items("labeling", "/v1/forms")
    names = {form["id"]: form["name"] for form in forms}
    engagements: dict[str, list[tuple[str, str]]] = {kind: [] for kind in ENGAGEMENTS}
    engagements["form.submitted"] = list(names.items())
    try:
        reported = await page.api.items("segmentation", "/v1/engagement-kinds")
    except (ApiProblem, Unreachable):
        return engagements  # suggestions are optional: the fields work without them
    for engagement in reported:
        refs = engagements.setdefault(engagement["kind"], [])
        if engagement["ref"] is not None and engagement["ref"] not in names:
            refs.append((engagement["ref"], engagement["ref"]))
    return engagements


async def build(page: AccountPage, prefix: str, root: Node, choices: Choices, *, count: bool = True) -> Builder:
    """Return the builder of a tree, with the number of contacts at each node if all of it is filled in."""
    _set_field_types(root, choices)
    built = criterion_of(root)
    builder = Builder(prefix, root, choices, built)
    if builder.is_ready():
        builder.sentence = await sentence_of(page.api, built.criterion, choices.names())
        if count:
            await _count(page, builder)
    return builder


def tree_of(form: Form, prefix: str) -> Node:
    """Return the tree in a form, changed by the pressed button if that belongs to the tree."""
    root = draft_of_form(form.values, prefix) or empty_draft()
    owner, _, operation = form["op"].partition("|")
    return changed(root, operation) if owner == prefix else root


@router.post("/build")
async def rebuild(page: OfAccount) -> Response:
    """Return the builder after a change, for htmx."""
    form = await read_form(page.request)
    prefix = page.request.query_params.get("prefix", "c")
    builder = await build(page, prefix, tree_of(form, prefix), await recent_choices(page))
    if builder.total:
        builder.sample = await _sample(page, builder)
    return page.show("builder.html", builder=builder)


def refuse_criterion(builder: Builder, problem: ApiProblem, pointer: str = "/criterion") -> None:
    """Show an API's errors at the nodes that they refer to."""
    for fault in problem.errors:
        fault_pointer = str(fault.get("pointer", ""))
        if fault_pointer.startswith(pointer):
            place = _nearest_place(builder.built.places, fault_pointer.removeprefix(pointer))
            builder.faults.setdefault(place, refusal(str(fault.get("detail", ""))))


async def _count(page: AccountPage, builder: Builder) -> None:
    try:
        answer = await page.api.post("segmentation", "/v1/criteria/count", {"criterion": builder.built.criterion})
    except ApiProblem as problem:
        if problem.status != 422:
            return
        refuse_criterion(builder, problem)
        return
    except Unreachable:
        return
    builder.total, builder.took_ms = answer["count"], answer["took_ms"]
    for node in answer["nodes"]:
        pointer = str(node["pointer"]).removeprefix("/criterion")
        place = builder.built.places.get(pointer)
        # A negation has two nodes at one place; the outer one, which the form shows, comes first.
        if place is not None and place not in builder.counts:
            builder.counts[place] = node["count"]


async def _sample(page: AccountPage, builder: Builder) -> list[Json]:
    body = {"criterion": builder.built.criterion, "limit": _SAMPLE_SIZE}
    try:
        answer = await page.api.post("segmentation", "/v1/criteria/contacts", body)
        return list((await contacts_by_id(page.api, [one["contact_id"] for one in answer["items"]])).values())
    except (ApiProblem, Unreachable):
        return []


def _nearest_place(places: Mapping[str, str], pointer: str) -> str:
    while pointer not in places and pointer:
        pointer = pointer.rpartition("/")[0]
    return places.get(pointer, "")


def _set_field_types(node: Node, choices: Choices) -> None:
    if node.kind == "field":
        node.values["type"] = choices.field_type(node.get("field"))
    for part in node.parts:
        _set_field_types(part, choices)
