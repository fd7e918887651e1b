"""What the endpoints have in common: the service, and the problems that errors of the domain become."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request

from services.tracking.domain.errors import CatalogOutOfDate, ContactNotFound, MessageNotFound
from services.tracking.store.messages import StoredMessage
from services.tracking.use_cases.service import Tracking
from shared.http.idempotency import database_of
from shared.http.preconditions import Preconditions, etag_of
from shared.http.problems import Problem, unavailable


def _tracking(request: Request) -> Tracking:
    tracking: Tracking = request.app.state.service
    return replace(tracking, database=database_of(request, tracking.database))


Service = Annotated[Tracking, Depends(_tracking)]


@contextmanager
def problems() -> Iterator[None]:
    """Turn errors of the domain that any endpoint may meet into problems."""
    try:
        yield
    except MessageNotFound:
        raise no_message() from None
    except ContactNotFound:
        raise Problem(404, "There is no such contact.") from None
    except CatalogOutOfDate:
        raise unavailable("Whether the labels exist cannot be found out now. Try again in a moment.") from None


def no_message() -> Problem:
    """Return the 404 for a message."""
    return Problem(404, "There is no such message.")


def required(conditions: Preconditions) -> Callable[[StoredMessage], None]:
    """Return what refuses to change a message that is not the version that the client has read."""
    return lambda message: conditions.require(etag_of(message.version))
