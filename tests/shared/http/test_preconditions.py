"""ETags: unchanged objects are not sent again, and concurrent changes are not overwritten."""

from uuid import uuid4

import pytest

from tests.shared.http.serving import Keys, make_app, serving


@pytest.mark.asyncio
async def test_unchanged_objects_get_304_and_stale_updates_get_412() -> None:
    keys = Keys()
    async with serving(make_app(keys), key=keys.make("admin")) as client:
        url = f"/v1/things/{uuid4()}"
        first = await client.get(url)
        assert first.headers["etag"] == '"3"'
        for known in ('"3"', 'W/"3"', '"1", "3"', "*"):
            answer = await client.get(url, headers={"If-None-Match": known})
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"3"')
        assert (await client.get(url, headers={"If-None-Match": '"2"'})).status_code == 200
        for condition, status in {'"3"': 200, "*": 200, '"2"': 412, 'W/"3"': 412, "3": 412}.items():
            answer = await client.put(url, json={"name": "b"}, headers={"If-Match": condition})
            assert answer.status_code == status
        assert (await client.put(url, json={"name": "b"})).status_code == 200
