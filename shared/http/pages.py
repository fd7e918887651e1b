"""Pages of lists: `?limit=`, an opaque `?cursor=`, and the answer `{"items", "next_cursor", "total"}`.

A list is read by its key: `WHERE (created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3`, never by an offset.
"""

import base64
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Self, TypeVar

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from shared.http.pointers import FieldError
from shared.http.problems import Problem

Item = TypeVar("Item")
Row = TypeVar("Row")

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
SMALLEST, LARGEST = -(2**63), 2**63 - 1  # values of a bigint


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The requested page of a list. Fetch `limit + 1` rows after `key(…)` and pass them to `Page.of`."""

    limit: int
    path: str
    cursor: str | None = None

    @property
    def fetch(self) -> int:
        """The number of rows to read: one more than the page has, to know whether there is a next page."""
        return self.limit + 1

    def key(self, *types: Any) -> tuple[Any, ...] | None:  # any types that pydantic can read
        """Return the last key of the previous page, as these types: `page.key(datetime, UUID)`; None on the first page.

        Raises Problem 422 for a cursor that does not come from this list.
        """
        if self.cursor is None:
            return None
        try:
            values = _decode(self.cursor, self.path)
            key: tuple[Any, ...] = TypeAdapter(tuple[types]).validate_python(values)  # type: ignore[valid-type]
            _check_storable(key)
        except (ValueError, ValidationError):
            detail = "This cursor does not come from this list"
            raise Problem(422, f"{detail}.", errors=[FieldError("/query/cursor", detail)]) from None
        return key

    def cursor_after(self, key: Sequence[object]) -> str:
        """Return the cursor of the page that begins after a key."""
        return _encode(key, self.path)


def page_request() -> Any:  # noqa: ANN401 # as FastAPI's own Depends
    """Return the dependency of a list: `page: Annotated[PageRequest, page_request()]`."""
    return Depends(_page_request)


async def _page_request(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Maximum number of items.")] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None,
        Query(max_length=2000, pattern=r"^[A-Za-z0-9_-]+$", description="`next_cursor` of the previous page; opaque."),
    ] = None,
) -> PageRequest:
    return PageRequest(limit, request.url.path, cursor)


class Page(BaseModel, Generic[Item]):
    """A part of a list. `next_cursor` is null on the last page; `total` is null where counting is expensive."""

    items: Annotated[Sequence[Item], Field(description="The items of this page, in the order of the list.")]
    next_cursor: str | None = None
    total: int | None = None

    @classmethod
    def of(
        cls,
        rows: Sequence[Row],
        page: PageRequest,
        *,
        key: Callable[[Row], Sequence[object]],
        item: Callable[[Row], Item],
        total: int | None = None,
    ) -> Self:
        """Return the page of `rows`, of which up to `page.fetch` were read; `key` returns the key by which they are
        sorted."""
        shown = rows[: page.limit]
        cursor = page.cursor_after(key(shown[-1])) if len(rows) > page.limit else None
        return cls(items=[item(row) for row in shown], next_cursor=cursor, total=total)


def _encode(key: Sequence[object], path: str) -> str:
    text = json.dumps(TypeAdapter(list[Any]).dump_python(list(key), mode="json"), separators=(",", ":"))
    return base64.urlsafe_b64encode(_checksum(text, path) + text.encode()).decode().rstrip("=")


def _decode(cursor: str, path: str) -> Any:  # noqa: ANN401
    raw = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    text = raw[4:].decode()
    if _checksum(text, path) != raw[:4]:
        raise ValueError(cursor)
    return json.loads(text)


def _check_storable(key: tuple[Any, ...]) -> None:
    """Raise ValueError for a value that no column of a table can have."""
    for value in key:
        if isinstance(value, int) and not SMALLEST <= value <= LARGEST:
            raise ValueError(value)
        if isinstance(value, str) and b"\0" in value.encode():
            raise ValueError(value)


def _checksum(text: str, path: str) -> bytes:
    # Only detects mistakes, such as the cursor of another list: a forged cursor gives access to nothing else.
    return zlib.crc32(f"{path}\n{text}".encode()).to_bytes(4)
