"""From a report to an event: counted once, whoever sent it and however often."""

import pytest

from tests.services.tracking.world import World, click

HTML = """<a href="https://shop.example/dogs?a=1&amp;b=2">Dogs</a> <a href="https://shop.example/cats">Cats</a>
<a href="https://shop.example/pets">Pets</a> <a href="https://shop.example/pets">More pets</a>"""


@pytest.mark.asyncio
async def test_a_reported_click_becomes_an_event(world: World) -> None:
    message = await world.message(HTML)
    await world.contacts(7)
    assert await world.report(click(message)) == {"accepted": 1, "errors": []}
    (event,) = await world.clicked(1)
    assert (event.contact_id, str(event.link_id), event.verdict) == (7, message["links"][0]["id"], "human")
    assert event.url == "https://shop.example/dogs?a=1&b=2"
