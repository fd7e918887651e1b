"""Converts errors of the domain to problems (RFC 9457)."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.segmentation.domain.errors import Conflict, LimitReached, NotFound, SlicesUnavailable, TooMany
from shared.criteria import InvalidCriterion
from shared.http.problems import FieldError, Problem, in_use, unavailable
from shared.store.errors import EventTooLarge
from shared.store.unit_of_work import MAX_DEFINITION_BYTES
from shared.uses import InUseError


@contextmanager
def refusals(pointer: str = "/criterion") -> Iterator[None]:
    """Convert errors of the domain that the block raises to problems.

    `pointer`: JSON pointer to the criterion in the body of the request.
    """
    try:
        yield
    except InvalidCriterion as invalid:
        errors = [FieldError(f"{pointer}{fault.pointer}", fault.detail) for fault in invalid.faults]
        raise Problem(422, "The criterion is not valid; see errors.", errors=errors) from None
    except NotFound as error:
        raise Problem(404, str(error)) from None
    except InUseError as error:
        raise in_use(error) from None
    except LimitReached as error:
        raise Problem(422, str(error)) from None
    except Conflict as error:
        raise Problem(409, str(error)) from None
    except EventTooLarge:
        detail = f"The definition is too large; the limit is {MAX_DEFINITION_BYTES // 1000} kB"
        raise Problem(422, f"{detail}.", errors=[FieldError(pointer, detail)]) from None
    except TooMany as error:
        raise Problem(429, str(error), headers={"Retry-After": "5"}) from None
    except SlicesUnavailable as error:
        raise unavailable(str(error)) from None
