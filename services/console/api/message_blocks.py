"""One block of a mail: the text of each variant, and the criterion of the contacts who see it."""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from fastapi import Response

from services.console.api.builder import Builder, Choices, build, load_choices, refuse_criterion, tree_of
from services.console.api.forms import Form, read_form
from services.console.api.languages import _
from services.console.api.message_source import read_source, save_criteria, save_source
from services.console.api.page import AccountPage, OfAccount
from services.console.api.refusals import refusal
from services.console.apis.client import ApiProblem, Json
from services.console.domain.blocks import (
    NAME,
    EditablePiece,
    block_of,
    pieces_of,
    unwrapped,
    with_pieces,
    with_variant,
    without_variant,
)
from services.console.domain.criterion_draft import draft_of
from services.console.domain.criterion_form import Node, empty_draft
from services.console.domain.errors import NotFound
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/messages/{message_id}/blocks/{block}", include_in_schema=False)


@dataclass(slots=True)
class EditedVariant:
    """An edited variant: its pieces by the name of their field, and its criterion."""

    name: str
    pieces: dict[str, EditablePiece] = field(default_factory=dict)
    builder: Builder | None = None  # None for the fallback
    broken: bool = False


@router.get("")
async def show(page: OfAccount, message_id: UUID, block: str) -> Response:
    """Show the content and the criterion of each variant."""
    page.require("write")
    message, choices = await asyncio.gather(read_source(page, message_id), load_choices(page))
    return await _show(page, message, block, Form(), choices)


@router.post("")
async def save(page: OfAccount, message_id: UUID, block: str) -> Response:
    """Save the variants, or carry out a button."""
    page.require("write")
    form = await read_form(page.request)
    message, choices = await asyncio.gather(read_source(page, message_id), load_choices(page))
    if form["op"] and not form["op"].startswith("b|"):
        return await _show(page, message, block, form, choices)
    variants = await _variants(page, message, block, form, choices)
    html = _with_edits(message, variants, form)
    operation = form["op"].removeprefix("b|")
    if operation == "unwrap":
        await save_source(page, message, unwrapped(html, block))
        return page.go(page.url(f"messages/{message_id}"), _("Everybody now sees the fallback."))
    html = _apply_operation(html, block, operation, form)
    if form.errors:
        return await _show(page, message, block, form, choices, status=422)
    try:
        if html != message["html"]:
            message = await save_source(page, message, html)
    except ApiProblem as problem:
        form.refuse(problem)
        return await _show(page, message, block, form, choices, status=422)
    remaining = [one for one in variants if f"remove:{one.name}" != operation]
    criteria_problem = await save_criteria(page, message_id, block, _criteria(remaining, operation))
    if criteria_problem is not None:
        _refuse(form, remaining, criteria_problem)
        return await _show(page, await read_source(page, message_id), block, form, choices, status=422)
    if operation:
        return page.go(page.url(f"messages/{message_id}/blocks/{block}"), _("Saved."))
    return page.go(page.url(f"messages/{message_id}"), _("Saved. Preview it as one of your contacts."))


async def _variants(page: AccountPage, message: Json, block: str, form: Form, choices: Choices) -> list[EditedVariant]:
    marked = block_of(message["html"], block)
    definition = next((one for one in message["blocks"] if one["block"] == block), None)
    if definition is None:
        raise NotFound
    pieces: dict[str, dict[str, EditablePiece]] = {}
    for part in marked.parts if marked is not None else ():
        pieces_of_variant = pieces.setdefault(part.variant, {})
        for piece in pieces_of(message["html"], part):
            pieces_of_variant[f"piece.{part.variant}.{len(pieces_of_variant)}"] = piece
    variants: list[EditedVariant] = []
    for number, one in enumerate(definition["variants"]):
        tree = tree_of(form, f"v{number}") if form.values else _tree(one)
        builder = await build(page, f"v{number}", tree, choices)
        variants.append(EditedVariant(one["variant"], pieces.get(one["variant"], {}), builder, bool(one.get("broken"))))
    return [*variants, EditedVariant("", pieces.get("", {}))]


def _tree(variant: Json) -> Node:
    return draft_of(variant["criterion"]) if variant.get("criterion") else empty_draft()


def _with_edits(message: Json, variants: list[EditedVariant], form: Form) -> str:
    values = {
        piece: form.raw(name) for variant in variants for name, piece in variant.pieces.items() if name in form.values
    }
    return with_pieces(message["html"], values)


def _apply_operation(html: str, block: str, operation: str, form: Form) -> str:
    if operation == "add":
        name = form["new_variant"].replace(" ", "-")
        marked = block_of(html, block)
        if not NAME.fullmatch(name) or (marked is not None and any(part.variant == name for part in marked.parts)):
            form.errors["new_variant"] = _("A name that is not in use yet, with only letters, digits, - and _.")
            return html
        return with_variant(html, block, name)
    if operation.startswith("remove:"):
        return without_variant(html, block, operation.removeprefix("remove:"))
    return html


def _criteria(variants: list[EditedVariant], operation: str) -> list[Json]:
    """Return the variants with criteria, in the order in which they are tried; a button moves one up."""
    ordered = [variant for variant in variants if variant.builder is not None]
    if operation.startswith("first:"):
        ordered.sort(key=lambda variant: variant.name != operation.removeprefix("first:"))
    return [
        {"variant": variant.name, "criterion": variant.builder.built.criterion}
        for variant in ordered
        if variant.builder is not None and variant.builder.is_ready()
    ]


def _refuse(form: Form, variants: list[EditedVariant], problem: ApiProblem) -> None:
    form.errors[""] = refusal(problem.errors[0]["detail"]) if problem.errors else problem.detail
    ready = [one for one in variants if one.builder is not None and one.builder.is_ready()]
    for number, one in enumerate(ready):
        if one.builder is not None:
            refuse_criterion(one.builder, problem, f"/variants/{number}/criterion")


async def _show(
    page: AccountPage, message: Json, block: str, form: Form, choices: Choices, status: int = 200
) -> Response:
    variants = await _variants(page, message, block, form, choices)
    return page.show(
        "message_block.html",
        status=status,
        here="messages",
        form=form,
        message=message,
        block_name=block,
        variants=variants,
        is_marked=block_of(message["html"], block) is not None,
    )
