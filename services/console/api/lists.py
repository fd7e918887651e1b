"""Lists on pages, with filters and the cursor in the URL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from fastapi import Request

from services.console.apis.client import Json

PAGE = 50  # items


@dataclass(slots=True)
class Listing:
    """One page of a list, with the URLs of its neighbours."""

    items: Sequence[Any]
    next: str | None = None
    previous: str | None = None
    total: int | None = None
    filters: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_filtered(self) -> bool:
        """Whether a search or a filter is set."""
        return any(self.filters.values())


def filters_of(request: Request, *names: str) -> dict[str, str]:
    """Return the values of the filters in the URL; "" for those that are not set."""
    return {name: request.query_params.get(name, "").strip() for name in names}


def listing(
    request: Request, answer: Json, filters: Mapping[str, str], choices: Mapping[str, Sequence[str]] | None = None
) -> Listing:
    """Return a page of a list of an API; the URLs of its neighbours contain the filters and `choices`."""
    cursor = request.query_params.get("cursor")
    parameters: dict[str, str | Sequence[str]] = {name: value for name, value in filters.items() if value}
    parameters.update(choices or {})
    next_cursor = answer.get("next_cursor")
    return Listing(
        answer["items"],
        next=_url(request, {**parameters, "cursor": next_cursor}) if next_cursor else None,
        previous=_url(request, parameters) if cursor else None,
        total=answer.get("total"),
        filters=filters,
    )


def paginate(request: Request, items: Sequence[Any], filters: Mapping[str, str], size: int = PAGE) -> Listing:
    """Return the page, of `size` items, of a list that is completely loaded."""
    text = request.query_params.get("from", "0")
    start = min(int(text) if text.isdecimal() and len(text) < 9 else 0, len(items))
    parameters = {name: value for name, value in filters.items() if value}
    has_more = start + size < len(items)
    return Listing(
        items[start : start + size],
        next=_url(request, {**parameters, "from": str(start + size)}) if has_more else None,
        previous=_url(request, parameters) if start else None,
        total=len(items),
        filters=filters,
    )


def _url(request: Request, parameters: Mapping[str, str | Sequence[str]]) -> str:
    query = urlencode({name: value for name, value in parameters.items() if value}, doseq=True)
    return f"{request.url.path}?{query}" if query else request.url.path
