"""API keys: malformed keys need no look-up, new keys are accepted, revoked keys are rejected."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from shared.events.labeling import Scope
from shared.http.keys import Caller, generate, hash_of, is_wellformed, requires
from shared.http.routing import Router
from tests.shared.http.serving import Keys, make_app, serving


def test_a_generated_key_is_wellformed_and_stored_as_a_hash() -> None:
    key = generate()
    assert is_wellformed(key)
    assert len(key) == 52
    assert key.startswith("pk_")
    assert key != generate()
    assert len(hash_of(key)) == 64


@given(st.integers(3, 51), st.characters(codec="ascii", categories=["Lu", "Ll", "Nd"]))
def test_a_mistyped_key_is_not_wellformed(place: int, character: str) -> None:
    key = generate()
    mistyped = key[:place] + character + key[place + 1 :]
    assert is_wellformed(mistyped) == (mistyped == key)


@given(st.text())
def test_random_text_is_not_a_wellformed_key(text: str) -> None:
    assert not is_wellformed(text)
    assert not is_wellformed("pk_" + text)


@pytest.mark.asyncio
async def test_missing_malformed_and_unknown_keys_are_rejected() -> None:
    keys = Keys()
    async with serving(make_app(keys)) as client:
        none = await client.get("/v1/things")
        assert none.status_code == 401
        assert none.headers["www-authenticate"] == 'Bearer realm="penchant"'
        for malformed in ("Bearer pk_x", "Bearer " + "pk_" + "0" * 49, "Basic abc", "Bearer", "Bearer \xe9"):
            answer = await client.get("/v1/things", headers=[(b"Authorization", malformed.encode("latin-1"))])
            assert answer.status_code == 401, malformed
            assert answer.headers["content-type"] == "application/problem+json"
        assert keys.refreshes == 0
        unknown = await client.get("/v1/things", headers={"Authorization": f"Bearer {generate()}"})
        assert unknown.status_code == 401
        assert keys.refreshes == 1
        keys.is_reachable = False
        assert (await client.get("/v1/things", headers={"Authorization": f"Bearer {generate()}"})).status_code == 503


@pytest.mark.asyncio
async def test_a_new_key_is_accepted_and_a_revoked_key_is_rejected() -> None:
    keys = Keys()
    async with serving(make_app(keys), key=keys.make("read", late=True)) as client:
        assert (await client.get("/v1/things")).status_code == 200
        assert (await client.get("/v1/things")).status_code == 200
        assert keys.refreshes == 1
        revoked = {"Authorization": f"Bearer {keys.make('read', revoked=True)}"}
        assert (await client.get("/v1/things", headers=revoked)).status_code == 401


@pytest.mark.asyncio
async def test_scopes_do_not_include_each_other_and_admin_includes_read_and_write() -> None:
    keys = Keys()
    async with serving(make_app(keys)) as client:
        expected: list[tuple[Scope, bool, bool]] = [
            ("read", True, False),
            ("write", False, True),
            ("self", False, False),
            ("admin", True, True),
        ]
        for scope, can_read, can_write in expected:
            headers = {"Authorization": f"Bearer {keys.make(scope)}"}
            read = await client.get("/v1/things", headers=headers)
            assert read.status_code == (200 if can_read else 403)
            write = await client.post("/v1/things", headers=headers, json={"name": "a"})
            assert write.status_code == (201 if can_write else 403)
            if not can_write:
                assert 'scope="write"' in write.headers["www-authenticate"]


@pytest.mark.asyncio
async def test_the_key_is_checked_before_the_body() -> None:
    keys = Keys()
    async with serving(make_app(keys), key=keys.make("read")) as client:
        answer = await client.post("/v1/things", content=b"{", headers={"content-type": "text/plain"})
        assert answer.status_code == 403


@pytest.mark.asyncio
async def test_operator_endpoints_accept_only_the_operator_key() -> None:
    keys = Keys()
    async with serving(make_app(keys, operator_key=SecretStr("operator-secret"))) as client:
        right = {"Authorization": "Bearer operator-secret"}
        assert (await client.post("/v1/accounts", headers=right)).status_code == 200
        for wrong in ("operator-secre", keys.make("admin"), "\xe9"):
            headers = [(b"Authorization", f"Bearer {wrong}".encode("latin-1"))]
            assert (await client.post("/v1/accounts", headers=headers)).status_code == 401
    async with serving(make_app(keys)) as client:
        assert (await client.post("/v1/accounts", headers=right)).status_code == 401


@pytest.mark.asyncio
async def test_a_pipeline_key_acts_for_the_account_in_the_header_where_allowed() -> None:
    keys = Keys()
    app = make_app(keys)
    router = Router()

    @router.get("/v1/for-pipelines")
    async def account(caller: Annotated[Caller, requires("read", pipeline=True)]) -> int:
        return caller.account_id

    app.include_router(router)
    async with serving(app, key=keys.make("pipeline", account_id=1)) as client:
        named = await client.get("/v1/for-pipelines", headers={"Penchant-Account": "7"})
        assert (named.status_code, named.json()) == (200, 7)
        for wrong in ("", "0", "-1", "x", "9999999999", "9" * 5000, "\u0661"):
            headers = [(b"Penchant-Account", wrong.encode("utf-8"))]
            assert (await client.get("/v1/for-pipelines", headers=headers)).status_code == 422, wrong
        assert (await client.get("/v1/things", headers={"Penchant-Account": "7"})).status_code == 403
    async with serving(app, key=keys.make("admin", account_id=1)) as client:
        own = await client.get("/v1/for-pipelines", headers={"Penchant-Account": "7"})
        assert (own.status_code, own.json()) == (200, 1)
