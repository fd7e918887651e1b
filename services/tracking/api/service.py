"""Common parts of endpoints: the service, and the mapping of domain errors to problems."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request

from services.tracking.domain.blocks import InvalidBlocks
from services.tracking.domain.errors import (
    CatalogOutOfDate,
    ContactNotFound,
    LimitReached,
    MessageNotFound,
    SenderNotFound,
)
from services.tracking.store.messages import StoredMessage
from services.tracking.use_cases.service import Tracking
from shared.http.idempotency import database_of
from shared.http.preconditions import Preconditions, etag_of
from shared.http.problems import FieldError, Problem, in_use, unavailable
from shared.store.errors import EventTooLarge
from shared.uses import InUseError


def _tracking(request: Request) -> Tracking:
    tracking: Tracking = request.app.state.service
    return replace(tracking, database=database_of(request, tracking.database))


Service = Annotated[Tracking, Depends(_tracking)]


@contextmanager
def problems() -> Iterator[None]:
    """Convert errors of the domain to problems."""
    try:
        yield
    except MessageNotFound:
        raise no_message() from None
    except ContactNotFound:
        raise Problem(404, "There is no such contact.") from None
    except CatalogOutOfDate:
        raise unavailable("The references in the request cannot be checked at the moment. Try again later.") from None
    except InUseError as error:
        raise in_use(error) from None
    except LimitReached as error:
        raise Problem(422, f"{error}.", errors=[FieldError(error.pointer, str(error))]) from None
    except InvalidBlocks as error:
        raise _invalid_blocks(error) from None
    except SenderNotFound:
        detail = "There is no such sender"
        raise Problem(422, f"{detail}.", errors=[FieldError("/sender_id", detail)]) from None
    except EventTooLarge:
        raise Problem(
            422, "The message has too many links, labels and criteria in all its revisions together."
        ) from None


def _invalid_blocks(error: InvalidBlocks) -> Problem:
    errors = [
        {
            "pointer": "/html",
            "detail": f"Line {fault.line}, column {fault.column}: {fault.detail}",
            "line": fault.line,
            "column": fault.column,
        }
        for fault in error.faults
    ]
    return Problem(422, "The markers of blocks are not valid; see errors.", more={"errors": errors})


def no_message() -> Problem:
    """Return the problem 404 for a message."""
    return Problem(404, "There is no such message.")


def required(conditions: Preconditions) -> Callable[[StoredMessage], None]:
    """Return a function that raises unless the message has the version that the client has read."""
    return lambda message: conditions.require(etag_of(message.version))
