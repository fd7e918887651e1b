"""Real newsletters: tracking replaces the targets of their links, and nothing else."""

import html
from pathlib import Path

import pytest

from services.tracking.domain.links import find_links
from tests.services.tracking.world import World

SAMPLES = sorted((Path(__file__).parents[4] / "shared" / "data").rglob("*.html"))


@pytest.mark.skipif(not SAMPLES, reason="the sample newsletters are not part of the project")
@pytest.mark.timeout(300)
@pytest.mark.asyncio
async def test_a_newsletter_keeps_everything_but_the_targets_of_its_links(world: World) -> None:
    await world.contacts(1, 2)
    for sample in SAMPLES:
        source = sample.read_bytes().decode()
        message = await world.message(source)
        links = [link for link in message["links"] if link["trackable"]]
        answer = await world.http.get(f"/v1/messages/{message['id']}/html?contact_id=1")
        tracked = [link.url for link in find_links(answer.text) if link.url.startswith(world.process.url)]
        assert len(tracked) == len(links)
        assert without_tracking(answer.text, tracked, source) == html.unescape(source)


def without_tracking(tracked: str, urls: list[str], source: str) -> str:
    """Return the tracked HTML with each tracked URL put back to what stood in its place, entities decoded."""
    originals = [link.url for link in find_links(source) if link.trackable]
    for url, original in zip(urls, originals, strict=True):
        tracked = tracked.replace(url, original, 1)
    return html.unescape(tracked)
