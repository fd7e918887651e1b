"""Reads tokens and forms from requests to pages, within limits of size and time."""

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qs

from services.labeling.api.service import Labeling
from services.labeling.domain.errors import NotFoundError
from shared.http.bodies import BODY_TIMEOUT, JsonRequest
from shared.http.problems import Problem
from shared.tokens import NotGenuineError, Purpose, TokenContents

MOST_FORM_BYTES = 65_536
MOST_FIELDS = 500

Form = Mapping[str, list[str]]


async def read_form(request: JsonRequest) -> Form:
    """Return the values of an HTML form by field. Raises Problem 408, 413 or 422."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_FORM_BYTES:
                    raise Problem(413, f"The form is larger than {MOST_FORM_BYTES} bytes.")
    except TimeoutError:
        raise Problem(408, "The form did not arrive in time.", headers={"Connection": "close"}) from None
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Problem(422, "The form is not valid.") from None
    if any("\0" in value for values in fields.values() for value in values):
        raise Problem(422, "Text must not contain the character U+0000.")
    return fields


def first(form: Form, name: str) -> str:
    """Return the first value of a field, or an empty text."""
    return form.get(name, [""])[0]


def read_token(service: Labeling, token: str, purpose: Purpose = Purpose.RECIPIENT) -> TokenContents:
    """Return the contents of a token. Raises NotFoundError if it is not genuine, or if there are no keys."""
    if service.tokens is None or not token.isascii():
        raise NotFoundError("page")
    try:
        return service.tokens.read(token.encode(), purpose)
    except NotGenuineError:
        raise NotFoundError("page") from None
