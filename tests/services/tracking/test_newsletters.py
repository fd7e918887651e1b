"""Real newsletters, from registration to reports: every link is labelled, clicked, redirected and counted exactly."""

import asyncio
import html
import json
from pathlib import Path

import pytest

from services.tracking.domain.links import find_links
from services.tracking.domain.targets import location
from tests.services.tracking.rig import Rig
from tests.stack.waiting import until

SAMPLES = sorted((Path(__file__).parents[4] / "shared" / "data").rglob("*.html"))
CONCURRENT_REQUESTS = 20


@pytest.mark.skipif(not SAMPLES, reason="the sample newsletters are not part of the project")
@pytest.mark.timeout(300)
@pytest.mark.asyncio
async def test_clicks_on_every_link_of_every_newsletter_are_counted(rig: Rig) -> None:
    label = await rig.label("Everything")
    await rig.contacts(1, 2)
    slots = asyncio.Semaphore(CONCURRENT_REQUESTS)

    async def follow(url: str) -> str:
        async with slots:
            answer = await rig.browser.get(url)
        assert answer.status_code == 302
        return str(answer.headers["location"])

    clicks = 0
    for sample in SAMPLES:
        source = sample.read_bytes().decode()
        message = await rig.message(source)
        links = [link for link in message["links"] if link["trackable"]]
        labelled = await rig.http.put(
            f"/v1/messages/{message['id']}/link-labels", json={link["id"]: [label] for link in links}
        )
        assert labelled.status_code == 200
        answer = await rig.http.get(f"/v1/messages/{message['id']}/html?contact_id=1")
        tracked = [link.url for link in find_links(answer.text) if link.url.startswith(rig.process.url)]
        assert len(tracked) == len(links)
        assert await asyncio.gather(*map(follow, tracked)) == [location(link["url"]) for link in links]
        assert without_tracking(answer.text, tracked, source) == html.unescape(source)
        clicks += len(links)

        async def all_are_counted(message: dict[str, object] = message, count: int = len(links)) -> bool:
            numbers = await rig.numbers(message)
            found = [link["clicks"]["human"] for link in numbers["links"] if link["clicks"]["human"]]
            return found == [1] * count and numbers["contacts"] == min(1, count)

        await until(all_are_counted)
    events = await rig.click_events(clicks)
    assert {json.dumps([str(found.id) for found in event.labels]) for event in events} == {json.dumps([label])}


def without_tracking(tracked: str, urls: list[str], source: str) -> str:
    """Return the tracked HTML with each tracked URL replaced by the original, entities decoded."""
    originals = [link.url for link in find_links(source) if link.trackable]
    for url, original in zip(urls, originals, strict=True):
        tracked = tracked.replace(url, original, 1)
    return html.unescape(tracked)
