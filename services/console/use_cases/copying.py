"""Copies a label, segment, workflow or message to another account, with everything that it refers to."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

from services.console.apis.client import Api, Json, ServiceName
from services.console.domain.errors import NotFound
from services.console.domain.references import (
    Reference,
    criterion_with,
    references_of,
    references_of_workflow,
    workflow_with,
)

Thing = Literal["label", "segment", "workflow", "message"]
THINGS: tuple[Thing, ...] = get_args(Thing)
Why = Literal["gone", "link", "send", "field_type", "circle"]

_LISTS: Mapping[str, tuple[ServiceName, str]] = {
    "label": ("labeling", "/v1/labels"),
    "field": ("labeling", "/v1/fields"),
    "segment": ("segmentation", "/v1/segments"),
    "message": ("tracking", "/v1/messages"),
    "workflow": ("workflow", "/v1/workflows"),
}
_LABEL = ("name", "description", "visibility", "group", "names", "order")
_MESSAGE = ("name", "html", "subject", "subject_variants", "preheader", "reply_to")


class Obstacle(NamedTuple):
    """A definition that cannot be copied, by kind and name. `inside` is the name of the definition that refers to
    it."""

    why: Why
    kind: str
    name: str
    inside: str


@dataclass(frozen=True, slots=True)
class CopiedThing:
    """A thing that the copy needs. `there` is the id of its counterpart in the other account, if there is one."""

    kind: str
    id: str
    name: str
    body: Json
    there: str | None = None


@dataclass(slots=True)
class CopyPlan:
    """The things of a copy in the order in which they are created; the last one is the requested definition."""

    pieces: list[CopiedThing] = field(default_factory=list)
    obstacles: list[Obstacle] = field(default_factory=list)
    name_is_taken: bool = False

    @property
    def requested(self) -> CopiedThing:
        """The requested definition."""
        return self.pieces[-1]

    def used(self) -> list[CopiedThing]:
        """Return the things that the other account has already."""
        return [piece for piece in self.pieces[:-1] if piece.there is not None]

    def missing(self) -> list[CopiedThing]:
        """Return the things that are created in the other account in addition to the requested definition."""
        return [piece for piece in self.pieces[:-1] if piece.there is None]


async def plan_copy(source: Api, target: Api, thing: Thing, thing_id: str) -> CopyPlan:
    """Return the plan of copying a thing. Raises NotFound if it does not exist, ApiProblem, Unreachable."""
    here, there = await asyncio.gather(_contents(source), _contents(target))
    definition = here[thing].get(thing_id)
    if definition is None:
        raise NotFound
    planning = _Planning(source, here, there)
    await planning.add_requested(thing, definition)
    return planning.plan


async def copy(target: Api, plan: CopyPlan, name: str) -> str:
    """Carry out the plan, and return the id of the copy, which is called `name`.

    Created things stay if a later one is refused; a retry finds them by name. Raises ApiProblem, Unreachable.
    """
    ids: dict[tuple[str, str], str] = {(piece.kind, piece.id): piece.there for piece in plan.pieces if piece.there}
    for piece in plan.pieces:
        if piece.there is None:
            name_of_copy = name if piece is plan.requested else piece.name
            await _create(target, piece, name_of_copy, ids)
    requested = plan.requested
    return ids[requested.kind, requested.id]


async def _contents(api: Api) -> dict[str, dict[str, Json]]:
    """Return everything to which definitions can refer, by kind and id; fields by key."""
    lists = await asyncio.gather(*(api.all_items(service, path) for service, path in _LISTS.values()))
    return {
        kind: {
            str(definition["key" if kind == "field" else "id"]): definition
            for definition in items
            if _exists(definition)
        }
        for kind, items in zip(_LISTS, lists, strict=True)
    }


def _exists(definition: Json) -> bool:
    return definition.get("state") not in ("deleted", "merged")


@dataclass(slots=True)
class _Planning:
    source: Api
    here: dict[str, dict[str, Json]]
    there: dict[str, dict[str, Json]]
    plan: CopyPlan = field(default_factory=CopyPlan)
    seen: set[tuple[str, str]] = field(default_factory=set)
    open: list[tuple[str, str]] = field(default_factory=list)

    async def add_requested(self, thing: Thing, definition: Json) -> None:
        self.plan.name_is_taken = _counterpart(thing, definition, self.there[thing].values()) is not None
        await self._add_new(thing, str(definition["id"]), definition)

    async def _add(self, reference: Reference, inside: str) -> None:
        kind, key = reference
        if reference in self.open and (kind != "message" or reference != self.open[-1]):
            self._obstacle("circle", kind, self.here[kind][key]["name"], inside)
        if reference in self.seen:
            return
        self.seen.add((kind, key))
        if kind == "link" or kind == "send":
            self._obstacle(kind, kind, key, inside)
            return
        definition = self.here[kind].get(key)
        if definition is None:
            self._obstacle("gone", kind, key, inside)
            return
        counterpart = _counterpart(kind, definition, self.there[kind].values())
        if counterpart is None:
            await self._add_new(kind, key, definition)
        elif kind == "field" and counterpart["type"] != definition["type"]:
            self._obstacle("field_type", kind, definition["name"], inside)
        else:
            self.plan.pieces.append(
                CopiedThing(
                    kind, key, counterpart["name"], definition, str(counterpart.get("id") or counterpart["key"])
                )
            )

    async def _add_new(self, kind: str, key: str, definition: Json) -> None:
        body = await self._message(key) if kind == "message" else definition
        self.seen.add((kind, key))
        self.open.append((kind, key))
        for reference in _references(kind, body):
            await self._add(reference, body["name"])
        self.open.pop()
        self.plan.pieces.append(CopiedThing(kind, key, body["name"], body))

    async def _message(self, message_id: str) -> Json:
        body = await self.source.get("tracking", f"/v1/messages/{message_id}", html="true")
        if body.get("sender_id"):
            sender = await self.source.find("tracking", f"/v1/senders/{body['sender_id']}")
            body["sender_email"] = None if sender is None else sender["email"]
        return body

    def _obstacle(self, why: Why, kind: str, name: str, inside: str) -> None:
        obstacle = Obstacle(why, kind, name, inside)
        if obstacle not in self.plan.obstacles:
            self.plan.obstacles.append(obstacle)


def _counterpart(kind: str, definition: Json, others: Iterable[Json]) -> Json | None:
    """Return the counterpart of a definition in the other account; the last changed one if several have its name."""
    if kind == "field":
        return next((one for one in others if one["key"] == definition["key"]), None)
    if kind == "label":
        name = definition["name"].casefold()
        with_same_name = [one for one in others if name in (text.casefold() for text in (one["name"], *one["aliases"]))]
    else:
        with_same_name = [one for one in others if one["name"] == definition["name"]]
    return max(with_same_name, key=lambda one: str(one.get("changed_at") or ""), default=None)


def _references(kind: str, body: Json) -> list[Reference]:
    if kind == "segment":
        return list(references_of(body["criterion"]))
    if kind == "workflow":
        return list(references_of_workflow(body))
    if kind != "message":
        return []
    labels = [Reference("label", label["id"]) for link in body["links"] for label in link["labels"]]
    criteria = [one["criterion"] for block in body["blocks"] for one in block["variants"] if one.get("criterion")]
    return list(dict.fromkeys([*labels, *(found for one in criteria for found in references_of(one))]))


async def _create(target: Api, piece: CopiedThing, name: str, ids: dict[tuple[str, str], str]) -> None:
    service, path = _LISTS[piece.kind]
    body = await _message_body(target, piece.body) if piece.kind == "message" else _body(piece, ids)
    created = await target.post(service, path, {**body, "name": name})
    ids[piece.kind, piece.id] = str(created["key" if piece.kind == "field" else "id"])
    if piece.kind == "message":
        await _complete_message(target, piece.body, created, ids)


def _body(piece: CopiedThing, ids: Mapping[tuple[str, str], str]) -> Json:
    if piece.kind == "label":
        return {name: piece.body[name] for name in _LABEL if piece.body.get(name)}
    if piece.kind == "field":
        choices = {"choices": piece.body["choices"]} if piece.body.get("choices") else {}
        return {"key": piece.body["key"], "type": piece.body["type"], **choices}
    if piece.kind == "segment":
        return {"criterion": criterion_with(piece.body["criterion"], ids.__getitem__)}
    return workflow_with(piece.body, ids.__getitem__)


async def _message_body(target: Api, message: Json) -> dict[str, Any]:
    body = {name: message[name] for name in _MESSAGE if message.get(name)}
    if not message.get("text_is_made", True) and message.get("text"):
        body["text"] = message["text"]
    if message.get("sender_email"):
        senders = await target.items("tracking", "/v1/senders")
        sender = next((one for one in senders if one["email"].casefold() == message["sender_email"].casefold()), None)
        if sender is not None:
            body["sender_id"] = sender["id"]
    return body


async def _complete_message(target: Api, message: Json, created: Json, ids: Mapping[tuple[str, str], str]) -> None:
    """Set the labels and targets of a copy's links, and the criteria of its variants.

    Both messages have the same HTML, so their links are in the same order.
    """
    path = f"/v1/messages/{created['id']}"
    labels: dict[str, list[str]] = {}
    for before, after in zip(message["links"], created["links"], strict=True):
        change = _link_change(before)
        if change:
            await target.patch("tracking", f"{path}/links/{after['id']}", change)
        if before["labels"]:
            labels[after["id"]] = [ids["label", label["id"]] for label in before["labels"]]
    if labels:
        await target.put("tracking", f"{path}/link-labels", labels)
    for block in message["blocks"]:
        variants = [
            {"variant": one["variant"], "criterion": criterion_with(one["criterion"], ids.__getitem__)}
            for one in block["variants"]
            if one.get("criterion")
        ]
        if variants:
            await target.put("tracking", f"{path}/blocks/{block['block']}", {"variants": variants})


def _link_change(link: Json) -> Json:
    change: Json = {}
    if link.get("url_in_message") and link["url"] != link["url_in_message"]:
        change["url"] = link["url"]
    if link.get("tracking", "auto") != "auto":
        change["tracking"] = link["tracking"]
    return change
