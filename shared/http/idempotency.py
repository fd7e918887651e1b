"""`Idempotency-Key`: a repeated request is carried out once, and gets the first answer again.

A key is claimed before the endpoint runs, and its answer is stored for a day. The process may be killed between the
commit of the effect and the answer. So units of work of a request mark its claim in the transaction of the effect, and
a request whose claim is marked is never carried out again. The claim is in `request.state.claim`; `database_of` binds
the database to it. A claim that is not marked expires after two minutes.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterator
from time import monotonic
from uuid import uuid4

import asyncpg
import orjson
import structlog
from fastapi import Request, Response
from starlette.responses import StreamingResponse

from shared.http.bodies import JsonRequest
from shared.http.keys import Caller
from shared.http.pointers import FieldError
from shared.http.problems import Problem, problem_response
from shared.idempotency.claims import Claim, ClaimLost, forget_old_answers
from shared.store.database import Database

HEADER = "idempotency-key"
LARGEST_KEPT = 4_194_304  # bytes; a larger answer is not stored, and its request is carried out again
_KEPT_HEADERS = ("content-type", "location", "etag", "retry-after", "www-authenticate")
_FORM = re.compile(r"[\x21-\x7e]{1,255}")
_FORGET_EVERY = 60.0  # seconds

log = structlog.get_logger()

Endpoint = Callable[[Request], Awaitable[Response]]

_last_forgotten = -_FORGET_EVERY


def check_key(request: Request) -> None:
    """Raise Problem 422 if there is an `Idempotency-Key` and it is malformed."""
    if not _FORM.fullmatch(request.headers.get(HEADER, "-")):
        raise Problem(
            422,
            "The request is not valid; see errors.",
            errors=[FieldError("/header/Idempotency-Key", "1 to 255 visible ASCII characters")],
        )


def database_of(request: Request, database: Database) -> Database:
    """Return the database for the effects of a request: units of work that append events mark its claim, if any."""
    claim: Claim | None = getattr(request.state, "claim", None)
    return database if claim is None else database.before_commit(claim.mark_effect)


async def answer_once(request: JsonRequest, endpoint: Endpoint, database: Database) -> Response:
    """Return `endpoint`'s answer, or the first one of an earlier request with the same key.

    Raises Problem: 422 if the body differs from the first one, 409 while the first request is in progress.
    """
    key = request.headers[HEADER]
    caller: Caller = request.state.caller
    fingerprint = hashlib.sha256(request.url.query.encode() + b"\0" + await request.load()).digest()
    claim = Claim(caller.account_id, request.url.path, key, fingerprint, uuid4())
    await _forget_once_a_minute(database)
    if not await claim.take(database.pool):
        return await _first_answer(claim, database)
    return await _carry_out(claim, request, endpoint, database)


async def _first_answer(claim: Claim, database: Database) -> Response:
    first = await claim.first_answer(database.pool)
    if first is not None and not first.same_request:
        detail = "This key was used for another request"
        raise Problem(422, f"{detail}.", errors=[FieldError("/header/Idempotency-Key", detail)])
    if first is not None and first.lost:
        raise Problem(409, "The first request with this key took effect, but its answer was lost. Look at the result.")
    if first is None or first.status is None:
        raise Problem(409, "The first request with this key is still in progress.", headers={"Retry-After": "1"})
    if first.blanked:
        raise Problem(409, "The first request with this key was carried out; its answer is not stored.")
    return Response(first.body, first.status, {**first.headers, "Idempotency-Replayed": "true"})


async def _carry_out(claim: Claim, request: JsonRequest, endpoint: Endpoint, database: Database) -> Response:
    request.state.claim = claim
    try:
        response = await _call(endpoint, request)
    except ClaimLost:
        detail = "Another request with this key has taken over in the meantime."
        raise Problem(409, detail, headers={"Retry-After": "1"}) from None
    except Exception:
        await _release(claim, database)
        raise
    await _keep(claim, response, await request.load(), database)
    return response


async def _call(endpoint: Endpoint, request: Request) -> Response:
    try:
        return await endpoint(request)
    except Problem as problem:
        if problem.status >= 500 or problem.status == 429:
            raise
        return problem_response(problem)


async def _release(claim: Claim, database: Database) -> None:
    try:
        await claim.release(database.pool)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        log.warning("idempotency key stays claimed for two minutes", exc_info=error)


async def _keep(claim: Claim, response: Response, request_body: bytes, database: Database) -> None:
    if isinstance(response, StreamingResponse) or len(response.body) > LARGEST_KEPT:
        await _release(claim, database)
        return
    if response.headers.get("cache-control") == "no-store":
        # The answer contains a secret: it is not stored, and a repeated request is refused.
        await _keep_without_body(claim, response.status_code, database)
        return
    body = bytes(response.body)
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    contact_ids = _contacts_in(body, request_body, claim.path)
    try:
        await claim.keep(database.pool, response.status_code, headers, body, contact_ids)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        # The effect is committed and this request is answered; only a repetition will get 409.
        log.warning("answer not stored", exc_info=error)


async def _keep_without_body(claim: Claim, status: int, database: Database) -> None:
    try:
        await claim.keep_without_body(database.pool, status)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        log.warning("answer not stored", exc_info=error)


async def _forget_once_a_minute(database: Database) -> None:
    global _last_forgotten  # one per process
    if monotonic() - _last_forgotten >= _FORGET_EVERY:
        _last_forgotten = monotonic()
        await forget_old_answers(database.pool)


def _contacts_in(body: bytes, request_body: bytes, path: str) -> list[int] | None:
    """Return the contacts that an answer is about; None if they are unknown, so that any erasure blanks it.

    An answer about a contact need not repeat the contact's id, so the ids in the request's body count too.
    """
    if not body:
        return []
    try:
        contact_ids = set(_contact_ids(orjson.loads(body)))
        if request_body:
            contact_ids.update(_contact_ids(orjson.loads(request_body)))
    except orjson.JSONDecodeError:
        return None
    if contact_ids:
        return sorted(contact_ids)
    may_name_contact = path.startswith("/v1/contacts") or b"@" in body or b"external_id" in body
    return None if may_name_contact else []


def _contact_ids(value: object) -> Iterator[int]:
    if isinstance(value, dict):
        ids = [value.get("contact_id"), *(value.get("contact_ids") or ())]
        yield from (contact_id for contact_id in ids if isinstance(contact_id, int))
        for item in value.values():
            yield from _contact_ids(item)
    elif isinstance(value, list):
        for item in value:
            yield from _contact_ids(item)
