"""Maps domain errors to problems."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.workflow.domain.errors import InvalidDefinition, LimitReached, NotFound, TooBusy, WrongState
from shared.http.problems import FieldError, Problem

MOST_ERRORS = 100


@contextmanager
def as_problems() -> Iterator[None]:
    """Convert errors of the domain to problems: 404, 409, 429, or 422 with a pointer to every fault."""
    try:
        yield
    except NotFound as error:
        raise Problem(404, str(error)) from None
    except TooBusy as error:
        raise Problem(429, str(error), headers={"Retry-After": "1"}) from None
    except LimitReached as error:
        raise Problem(422, str(error)) from None
    except WrongState as error:
        raise Problem(409, str(error)) from None
    except InvalidDefinition as error:
        errors = [FieldError(fault.pointer, fault.detail) for fault in error.faults[:MOST_ERRORS]]
        raise Problem(422, "The workflow is not valid; see errors.", errors=errors) from None
