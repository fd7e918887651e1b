"""Contacts: single ones, batches and lists."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy
from fastapi import Query, Response
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from services.labeling.api.models import ContactAnswer, ContactBody
from services.labeling.api.routing import Router
from services.labeling.api.service import Labeling, Service, contact_in_path, has_segment
from services.labeling.domain.addresses import email_address
from services.labeling.domain.errors import InvalidError, NotFoundError
from services.labeling.domain.labels import Label
from services.labeling.domain.names import ContactName
from services.labeling.store.contact_search import FoundContact
from services.labeling.store.contacts import StoredContact, contact_of_id
from services.labeling.store.directory import find_contacts
from services.labeling.store.import_rows import ImportOutcome
from services.labeling.store.labels import labels_of_names
from services.labeling.use_cases.contact_lists import (
    ContactFilter,
    OfImport,
    contacts_by_change,
    contacts_by_id,
    search_contacts,
)
from services.labeling.use_cases.erasure import erase_contact
from services.labeling.use_cases.imports import find_import
from services.labeling.use_cases.labels import find_label
from services.labeling.use_cases.upserts import RowProblem, Upserted, UpsertRow, upsert_contacts
from shared.events.labeling import Subscription
from shared.events.parts import Origin
from shared.http.batches import BatchError, EachForItself, RefusedItem, none_taken, refused
from shared.http.bodies import only_written_out
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.problems import FieldError, Problem
from shared.yielding import yielding

router = Router(prefix="/v1/contacts", tags=["contacts"])

LabelNames = Annotated[
    list[Annotated[str, Field(max_length=200)]],
    Field(max_length=100, description="Names or aliases of labels to add; an unknown one is an error."),
]
MOST_CONTACTS = 10_000


class NewContactBody(ContactBody):
    """A new contact."""

    email: Annotated[str, Field(max_length=320, description="The e-mail address.", examples=["anna@example.com"])]
    labels: Annotated[LabelNames | None, Field(examples=[["Dogs"]])] = None


class ContactItem(ContactBody):
    """A contact to create or change, found by its external id, or else by its e-mail address."""

    labels: Annotated[LabelNames | None, Field(examples=[["Dogs"]])] = None


class BatchAnswer(BaseModel):
    """The result of a batch. `contact_ids` has one id per item, null if the item was refused."""

    created: Annotated[int, Field(description="Items that created a contact.", examples=[1])]
    updated: Annotated[int, Field(description="Items whose contact existed, including unchanged ones.", examples=[0])]
    errors: Annotated[list[BatchError], Field(description="Items that were refused.")]
    contact_ids: Annotated[
        list[int | None],
        Field(
            description="The contact of each item, in their order; null where the item was refused.", examples=[[1042]]
        ),
    ]


Contacts = Annotated[list[Annotated[ContactItem, EachForItself]], Field(min_length=1, max_length=MOST_CONTACTS)]


async def _show(connection: PoolConnectionProxy, account_id: int, contact_id: int) -> ContactAnswer:
    stored = await contact_of_id(connection, account_id, contact_id)
    if stored is None:
        raise NotFoundError("contact")
    return ContactAnswer.of(stored)


def _origin(caller: Caller) -> Origin:
    return Origin(kind="api", key_id=caller.key_id)


def _problem_of(problem: RowProblem) -> Problem:
    status = {"conflict": 409, "not_found": 404}.get(problem.code, 422)
    errors = [] if problem.code == "not_found" else [FieldError(problem.pointer, problem.detail)]
    return Problem(status, f"The contact cannot be written: {problem.detail}.", errors=errors)


def _labels(names: Sequence[str], known: dict[str, Label]) -> tuple[Label, ...] | FieldError:
    for index, name in enumerate(names):
        if name not in known:
            return FieldError(f"/labels/{index}", "the account has no such label")
    return tuple(known[name] for name in names)


async def _wait_for_tracking(service: Labeling, account_id: int, rows: Sequence[UpsertRow], result: Upserted) -> None:
    """Wait until tracking can read the rows that deny consent to tracking."""
    await service.contacts_published(
        account_id,
        [
            contact_id
            for row, contact_id in zip(rows, result.contact_ids, strict=True)
            if contact_id is not None and row.patch.get("tracking_consent") == "denied"
        ],
    )


@router.post("", status_code=201, summary="Create a contact")
async def make_contact(
    service: Service, caller: Annotated[Caller, requires("write")], body: NewContactBody, response: Response
) -> ContactAnswer:
    """Create a contact. 409 if another one has the e-mail address or the external id."""
    async with service.database.pool.acquire() as connection:
        labels = _labels(body.labels or [], await labels_of_names(connection, caller.account_id, body.labels or []))
    if isinstance(labels, FieldError):
        raise Problem(422, "The account has no such label.", errors=[labels])
    row = UpsertRow("create", body.patch(), labels)
    result = await upsert_contacts(service.database, caller.account_id, [row], _origin(caller), service.suppression)
    (contact_id,) = result.contact_ids
    if contact_id is None:
        raise _problem_of(result.problems[0])
    await _wait_for_tracking(service, caller.account_id, [row], result)
    response.headers["Location"] = f"/v1/contacts/{contact_id}"
    async with service.database.pool.acquire() as connection:
        return await _show(connection, caller.account_id, contact_id)


@router.post("/batch", summary="Create or change up to 10,000 contacts")
async def write_batch(service: Service, caller: Annotated[Caller, requires("write")], body: Contacts) -> BatchAnswer:
    """Create or change contacts, each item by itself; those that cannot be written are in `errors`."""
    names = {name for item in body if isinstance(item, ContactItem) for name in item.labels or ()}
    async with service.database.pool.acquire() as connection:
        known = await labels_of_names(connection, caller.account_id, names)
    rows: list[UpsertRow] = []
    indexes: list[int] = []
    errors: list[BatchError] = []
    async for index, item in yielding(enumerate(body)):
        row = _row(index, item, known)
        if isinstance(row, BatchError):
            errors.append(row)
        else:
            rows.append(row)
            indexes.append(index)
    result = await upsert_contacts(service.database, caller.account_id, rows, _origin(caller), service.suppression)
    await _wait_for_tracking(service, caller.account_id, rows, result)
    return _batch_answer(len(body), indexes, result, errors)


def _row(index: int, item: ContactItem | RefusedItem, known: dict[str, Label]) -> UpsertRow | BatchError:
    if isinstance(item, RefusedItem):
        return refused(index, item)
    if item.external_id is None and item.email is None:
        return BatchError(index=index, code="invalid", pointer="", detail="has neither external_id nor email")
    labels = _labels(item.labels or (), known)
    if isinstance(labels, FieldError):
        return BatchError(index=index, code="unknown_label", pointer=labels.pointer, detail=labels.detail)
    return UpsertRow("upsert", item.patch(), labels)


def _batch_answer(size: int, indexes: Sequence[int], result: Upserted, errors: list[BatchError]) -> BatchAnswer:
    errors += [
        BatchError(index=indexes[problem.index], code=problem.code, pointer=problem.pointer, detail=problem.detail)
        for problem in result.problems
    ]
    errors.sort(key=lambda error: error.index)
    contact_ids: list[int | None] = [None] * size
    for index, contact_id in zip(indexes, result.contact_ids, strict=True):
        contact_ids[index] = contact_id
    if not result.created + result.updated:
        none_taken(errors, {"created": 0, "updated": 0, "contact_ids": contact_ids})
    return BatchAnswer(created=result.created, updated=result.updated, errors=errors, contact_ids=contact_ids)


@router.get("", summary="List contacts")
async def list_contacts(
    service: Service,
    caller: Annotated[Caller, requires("read", pipeline=True)],
    page: Annotated[PageRequest, page_request()],
    email: Annotated[str | None, Query(max_length=320, description="Only the contact with this address.")] = None,
    external_id: Annotated[
        str | None, Query(max_length=200, description="Only the contact with this external id.")
    ] = None,
    label: Annotated[
        str | None,
        Query(max_length=200, description="Only contacts that hold this label: its id, its name or an alias."),
    ] = None,
    segment: Annotated[UUID | None, Query(description="Only the members of this segment.")] = None,
    subscription: Annotated[Subscription | None, Query(description="Only contacts with this subscription.")] = None,
    import_id: Annotated[
        UUID | None,
        Query(
            alias="import",
            description="Only contacts that this import touched. The effects of imports are kept for 7 days.",
        ),
    ] = None,
    outcome: Annotated[
        ImportOutcome | None,
        Query(description="With `import`: only contacts that its result counts as this.", examples=["created"]),
    ] = None,
    changed_since: Annotated[
        Annotated[AwareDatetime, BeforeValidator(only_written_out)] | None,
        Query(description="Only contacts that changed at or after this time."),
    ] = None,
    sort: Annotated[
        Literal["contact_id", "-changed_at"], Query(description="`-changed_at`: most recently changed first.")
    ] = "contact_id",
    search: Annotated[
        str | None,
        Query(
            max_length=200,
            description="Prefixes of words of an address, an external id or text fields; all must match.",
        ),
    ] = None,
) -> Page[ContactAnswer]:
    """List the account's contacts, by contact id unless `sort` says otherwise.

    With `search`, contacts are in the order of the matching words, and other filters are ignored. A page of a search
    for several words may be short or empty although there is a next page.
    """
    account_id = caller.account_id
    if outcome is not None and import_id is None:
        raise InvalidError("needs `import`", "/query/outcome")
    if segment is not None and not await has_segment(service, account_id, segment):
        raise NotFoundError("segment")
    async with service.database.pool.acquire() as connection:
        if search is not None:
            return await _search(connection, account_id, search, page)
        only_contact_id = await _only_contact_id(connection, account_id, email, external_id)
        selection = ContactFilter(
            None if label is None else await _label_named(connection, account_id, label),
            segment,
            subscription,
            changed_since,
            None if import_id is None else OfImport((await find_import(connection, account_id, import_id)).id, outcome),
        )
        if only_contact_id is not None:
            contacts = await contacts_by_id(connection, account_id, selection, only_contact_id - 1, 1)
            contacts = [stored for stored in contacts if stored.contact_id == only_contact_id]
            return _page(contacts, page, total=len(contacts))
        if sort == "-changed_at":
            before = page.key(datetime, int)
            contacts = await contacts_by_change(connection, account_id, selection, before, page.fetch)
            return Page[ContactAnswer].of(
                contacts, page, key=lambda stored: [stored.changed_at, stored.contact_id], item=ContactAnswer.of
            )
        (after,) = page.key(int) or (0,)
        return _page(await contacts_by_id(connection, account_id, selection, after, page.fetch), page)


def _page(contacts: Sequence[StoredContact], page: PageRequest, total: int | None = None) -> Page[ContactAnswer]:
    return Page[ContactAnswer].of(
        contacts, page, key=lambda stored: [stored.contact_id], item=ContactAnswer.of, total=total
    )


async def _search(
    connection: PoolConnectionProxy, account_id: int, text: str, page: PageRequest
) -> Page[ContactAnswer]:
    key = page.key(str, int)
    after = None if key is None else FoundContact(*key)
    found = await search_contacts(connection, account_id, text, after, page.limit)
    items = [ContactAnswer.of(stored) for _, stored in found.contacts]
    return Page[ContactAnswer](items=items, next_cursor=found.following and page.cursor_after(found.following))


async def _label_named(connection: PoolConnectionProxy, account_id: int, text: str) -> Label:
    """Return the label with a name or an alias, or else an id. Raises NotFoundError."""
    label = (await labels_of_names(connection, account_id, [text])).get(text)
    if label is not None:
        return label
    try:
        label_id = UUID(text)
    except ValueError:
        raise NotFoundError("label") from None
    return await find_label(connection, account_id, label_id)


async def _only_contact_id(
    connection: PoolConnectionProxy, account_id: int, email: str | None, external_id: str | None
) -> int | None:
    """Return the id of the only contact that passes both filters; 0, which is no contact's, if none does.

    Return None if neither filter is set.
    """
    names = []
    if external_id is not None:
        names.append(ContactName(account_id, "external", external_id.strip()))
    if email is not None:
        try:
            names.append(ContactName(account_id, "email", email_address(email).key))
        except InvalidError as error:
            raise InvalidError(error.detail, "/query/email") from None
    if not names:
        return None
    by_name = await find_contacts(connection, names)
    contact_ids = set(by_name.values())
    return contact_ids.pop() if len(by_name) == len(names) and len(contact_ids) == 1 else 0


@router.get("/{contact}", summary="Show a contact")
async def show_contact(
    service: Service, caller: Annotated[Caller, requires("read", pipeline=True)], contact: str
) -> ContactAnswer:
    """Return a contact, by its id or `external:<external_id>`."""
    async with service.database.pool.acquire() as connection:
        contact_id = await contact_in_path(connection, caller.account_id, contact)
        return await _show(connection, caller.account_id, contact_id)


@router.patch("/{contact}", summary="Change a contact")
async def patch_contact(
    service: Service, caller: Annotated[Caller, requires("write")], contact: str, body: ContactBody
) -> ContactAnswer:
    """Change the members that are given; null clears.

    The contact's own decisions on subscription and consent, and the states `bounced` and `blocked`, change only with a
    key of scope `self`; otherwise such a member is ignored, and the answer shows the value in force.
    """
    async with service.database.pool.acquire() as connection:
        contact_id = await contact_in_path(connection, caller.account_id, contact)
    row = UpsertRow("update", body.patch(), contact_id=contact_id)
    is_own_decision = caller.may("self") and not row.patch.keys().isdisjoint({"subscription", "tracking_consent"})
    origin = Origin(kind="self", key_id=caller.key_id) if is_own_decision else _origin(caller)
    result = await upsert_contacts(service.database, caller.account_id, [row], origin, service.suppression)
    if result.problems:
        raise _problem_of(result.problems[0])
    await _wait_for_tracking(service, caller.account_id, [row], result)
    async with service.database.pool.acquire() as connection:
        return await _show(connection, caller.account_id, contact_id)


@router.delete("/{contact}", status_code=204, summary="Erase a contact", response_class=Response)
async def erase(service: Service, caller: Annotated[Caller, requires("write")], contact: str) -> None:
    """Erase a contact. All its data is deleted permanently, in every service, within seconds."""
    async with service.database.pool.acquire() as connection:
        contact_id = await contact_in_path(connection, caller.account_id, contact)
    if not await erase_contact(service.database, caller.account_id, contact_id):
        raise NotFoundError("contact")
