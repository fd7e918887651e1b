"""Cursors page through a whole list without a gap; cursors of another list are rejected."""

import base64
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.http.pages import Page, PageRequest
from shared.http.problems import Problem
from tests.shared.http.serving import Keys, make_app, serving


@pytest.mark.asyncio
async def test_a_list_is_read_page_by_page() -> None:
    keys = Keys()
    async with serving(make_app(keys), key=keys.make("read")) as client:
        seen: list[int] = []
        cursor: str | None = None
        while True:
            params = {"limit": "10"} if cursor is None else {"limit": "10", "cursor": cursor}
            page = (await client.get("/v1/things", params=params)).json()
            assert page["total"] == 25
            seen += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == list(range(1, 26))


@given(st.text(max_size=60))
def test_a_malformed_cursor_is_rejected(cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        PageRequest(10, "/v1/things", cursor).key(int)
    assert refused.value.status == 422
    assert refused.value.errors[0].pointer == "/query/cursor"


def test_a_cursor_that_is_changed_or_of_another_list_or_type_is_rejected() -> None:
    page = PageRequest(1, "/v1/labels")
    cursor = Page[int].of([1, 2], page, key=lambda row: [row], item=int).next_cursor
    assert cursor is not None
    assert PageRequest(1, "/v1/labels", cursor).key(int) == (1,)
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[-2] ^= 1
    changed = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    for request, kind in (
        (PageRequest(1, "/v1/fields", cursor), int),
        (PageRequest(1, "/v1/labels", changed), int),
        (PageRequest(1, "/v1/labels", cursor), UUID),
    ):
        with pytest.raises(Problem):
            request.key(kind)


@pytest.mark.parametrize(
    ("value", "kind"), [(10**30, int), (-(10**30), int), (2**63, int), ("a\0", str), ("\ud800", str)]
)
def test_a_forged_cursor_with_a_value_that_cannot_be_stored_is_rejected(value: object, kind: type) -> None:
    page = PageRequest(1, "/v1/things")
    forged = Page[int].of([1, 2], page, key=lambda _: [value], item=int).next_cursor
    with pytest.raises(Problem) as refused:
        PageRequest(1, "/v1/things", forged).key(kind)
    assert (refused.value.status, refused.value.errors[0].pointer) == (422, "/query/cursor")


def test_a_cursor_preserves_the_types_of_its_key() -> None:
    key = (datetime(2026, 1, 2, 3, 4, 5, 6, UTC), uuid4(), "ß,\n")
    cursor = Page[int].of([1, 2], PageRequest(1, "/x"), key=lambda _: key, item=int).next_cursor
    assert PageRequest(1, "/x", cursor).key(datetime, UUID, str) == key
