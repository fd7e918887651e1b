"""Reads request bodies within limits; refuses what is not JSON, or what PostgreSQL cannot store."""

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, NoReturn

import orjson
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from starlette.requests import Request

from shared.http.pointers import FieldError
from shared.http.problems import Problem
from shared.pointers import pointer_of

MAX_BODY_BYTES = 10_485_760  # a batch of 10,000 contacts is about 5 MB
BODY_TIMEOUT = 30.0  # seconds to send a whole body
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def _strict(schema: Any) -> Any:  # noqa: ANN401 # a core schema is nested dictionaries and lists of any kind
    """Return a core schema in which numbers, booleans and times accept only their own JSON type."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if isinstance(schema, tuple):
        return tuple(_strict(item) for item in schema)
    if not isinstance(schema, dict):
        return schema
    result = {name: value if name in {"metadata", "default"} else _strict(value) for name, value in schema.items()}
    kind = result.get("type")
    if not isinstance(kind, str):
        return result  # the members of a model; one may be named "type"
    if kind in {"int", "float", "bool"}:
        result["strict"] = True
        if kind == "int":
            return core_schema.no_info_before_validator_function(_integer, result)
    elif kind in {"datetime", "date"}:
        return core_schema.no_info_before_validator_function(only_written_out, result)
    return result


def _integer(value: object) -> object:
    """Return a float such as 2.0 as an integer, which it is in JSON Schema; any other value unchanged."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def only_written_out(value: object) -> object:
    """Return `value` if it is a date or time, or its text. Refuses numbers, which pydantic would read as seconds."""
    if isinstance(value, date | datetime) or (isinstance(value, str) and _DATE.match(value)):
        return value
    raise PydanticCustomError("time_type", "Input should be a date or time as in RFC 3339, as text")


class RequestBody(BaseModel):
    """The base class of request models: unknown members, and values of another JSON type, are errors.

    Pydantic would accept `"1"` or `true` as a number and 5 as a time, which the OpenAPI document does not allow.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        strict: CoreSchema = _strict(handler(source))
        return strict


class JsonRequest(Request):
    """A request whose body is read once, within `max_body_bytes` and `BODY_TIMEOUT`."""

    max_body_bytes: int = MAX_BODY_BYTES

    async def load(self) -> bytes:
        """Return the body. Raises Problem: 413 too large, 408 too slow, 415 neither JSON nor a `+json` type."""
        declared = self.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self.max_body_bytes:
            self._refuse_too_large()
        chunks = bytearray()
        if not hasattr(self, "_body"):
            try:
                async with asyncio.timeout(BODY_TIMEOUT):
                    async for chunk in self.stream():
                        chunks += chunk
                        if len(chunks) > self.max_body_bytes:
                            self._refuse_too_large()
            except TimeoutError:
                raise Problem(408, "The body did not arrive in time.", headers={"Connection": "close"}) from None
            self._body = bytes(chunks)
        if self._body:
            self._check_type()
        return self._body

    async def json(self) -> Any:  # noqa: ANN401 # JSON is anything
        """Return the JSON. Raises Problem: 400 not JSON, 422 text that cannot be stored; also what `load` raises."""
        if not hasattr(self, "_json"):
            self._json = parse(await self.load())
        return self._json

    def replace_json(self, value: object) -> None:
        """Make `json` return `value` from now on."""
        self._json = value

    def _check_type(self) -> None:
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        kind, _, subtype = media_type.partition("/")
        is_json = kind == "application" and (subtype == "json" or subtype.endswith("+json"))
        if not is_json or self.headers.get("content-encoding", "identity").lower() != "identity":
            raise Problem(
                415,
                "The body must be JSON, uncompressed, with content-type application/json.",
                headers={"Accept": "application/json"},
            )

    def _refuse_too_large(self) -> NoReturn:
        # The connection stays open and the server ignores the rest of the body: closing it now would reset the
        # connection, and a client that is still sending would never read this answer.
        raise Problem(413, f"The body is larger than {self.max_body_bytes} bytes.")


def parse(body: bytes) -> Any:  # noqa: ANN401
    """Parse JSON. Raises Problem: 400 if it is not JSON; 422 for NUL, lone surrogates and numbers beyond a double."""
    if not body:
        raise Problem(400, "The body is empty; JSON is expected.")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        _refuse_body(body, error)
    if b"\\u0000" in body:
        _refuse_character(value, "\0", "Text must not contain the character U+0000")
    return value


def _refuse_body(body: bytes, error: orjson.JSONDecodeError) -> NoReturn:
    """Raise the Problem for a body that orjson refuses.

    The grammar of JSON allows lone surrogates and numbers of any size, so the status of such a body is 422, not 400.
    """
    try:
        value = json.loads(body.decode(), parse_constant=_refuse_constant, parse_float=_finite_float)
    except Problem:
        raise
    except (ValueError, RecursionError):
        raise Problem(400, f"The body is not JSON: {error.msg} at byte {error.pos}.") from None
    for path, text in _texts(value):
        if any("\ud800" <= character <= "\udfff" for character in text):
            pointer = pointer_of(path).encode("utf-8", "replace").decode()
            raise Problem(422, errors=[FieldError(pointer, "Text must not contain lone surrogates")])
    raise Problem(400, f"The body is not JSON: {error.msg} at byte {error.pos}.")


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError


def _finite_float(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise Problem(422, "A number is too large.", errors=[FieldError("", "A number is too large")])
    return number


def _refuse_character(value: object, character: str, detail: str) -> None:
    errors = [FieldError(pointer_of(path), detail) for path, text in _texts(value) if character in text]
    if errors:
        raise Problem(422, "The request is not valid; see errors.", errors=errors[:100])


def _texts(value: object) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every text in `value`, names of members included, with its path."""
    remaining: list[tuple[tuple[str | int, ...], object]] = [((), value)]
    while remaining:
        path, node = remaining.pop()
        if isinstance(node, str):
            yield path, node
        elif isinstance(node, dict):
            for name, item in node.items():
                yield (*path, name), name
                remaining.append(((*path, name), item))
        elif isinstance(node, list):
            remaining.extend(((*path, index), item) for index, item in enumerate(node))
