"""Only a row that is too large for an event is refused; a contact that is nearly too large can still be changed."""

from typing import Any
from uuid import UUID

import orjson
import pytest
import pytest_asyncio

from services.labeling.consumers.engagements import EngagementHandler
from services.labeling.consumers.labels import LabelHandler
from services.labeling.domain.fields import LARGEST_FIELDS, LONGEST_TEXT, Field
from services.labeling.use_cases.fields import add_field
from shared.events.intake import EngagementReported
from shared.events.parts import Origin
from shared.events.topics import CATALOG_PARTITION
from shared.events.workflow import AssignLabel, SetField
from shared.store.unit_of_work import MAX_BODY_BYTES
from tests.services.labeling.importing import contact_of, imported
from tests.services.labeling.shop import NOON, Shop

pytestmark = pytest.mark.asyncio

FIELDS = 60
CONTROL = "\x01" * LONGEST_TEXT  # six bytes each in JSON
EMOJI = "🐕" * LONGEST_TEXT  # four


@pytest_asyncio.fixture
async def large_shop(shop: Shop) -> Shop:
    """Provide a shop with many text fields."""
    async with shop.database.unit_of_work(CATALOG_PARTITION) as work:
        for number in range(FIELDS):
            await add_field(work, shop.account_id, Field(f"f{number}", f"Field {number}", "text"))
    return shop


def texts(count: int, text: str) -> dict[str, str]:
    return {f"f{number}": text for number in range(count)}


@pytest.mark.parametrize(
    ("text", "refused"),
    [(CONTROL, [0]), (EMOJI, [0]), ('"' * (LONGEST_TEXT - 1) + "é", [])],
    ids=["control", "emoji", "quotes"],
)
async def test_only_a_contact_that_is_too_large_is_refused(large_shop: Shop, text: str, refused: list[int]) -> None:
    rows = [texts(FIELDS, text), texts(1, text), texts(FIELDS, "short")]
    assert (len(orjson.dumps(rows[0])) > LARGEST_FIELDS) == bool(refused)
    written = await large_shop.write(
        *({"email": f"c{number}@example.com", "fields": fields} for number, fields in enumerate(rows))
    )
    assert [problem.index for problem in written.problems] == refused
    assert written.created == 3 - len(refused)
    assert max(len(event["personal"]) for event in await large_shop.events("ContactChanged")) < MAX_BODY_BYTES


async def test_later_commands_apply_to_a_contact_that_is_nearly_too_large(large_shop: Shop) -> None:
    shop = large_shop
    nearly = texts(LARGEST_FIELDS // 6_020, CONTROL)
    ann = await shop.contact(fields=nearly)
    origin = Origin(kind="workflow", workflow_id=UUID(int=1), run_id=UUID(int=2), step_id="label")
    common: dict[str, Any] = {"account_id": shop.account_id, "contact_id": ann, "occurred_at": NOON, "origin": origin}
    await shop.deliver(
        LabelHandler(),
        SetField(**common, field_key="f59", value=CONTROL),
        AssignLabel(**common, label_id=shop.labels["Dogs"].id),
        shop.clicked(ann, "Cats"),
        SetField(**common, field_key="age", value=3),
    )
    assert [await shop.holds(ann, name) for name in ("Dogs", "Cats")] == [True, True]
    report = EngagementReported(
        account_id=shop.account_id, contact_id=ann, kind="message.unsubscribed", occurred_at=NOON
    )
    await shop.report(EngagementHandler(shop.database.partitions), ("1", report))
    contact = await contact_of(shop, "ann@example.com")
    assert orjson.loads(contact["fields"]) == {**nearly, "age": 3}
    assert contact["subscription"] == "unsubscribed"


async def test_only_a_row_of_a_file_that_is_too_large_is_refused(large_shop: Shop) -> None:
    header = ";".join(["email", *(f"f{number}" for number in range(FIELDS))])
    lines = [f"c{number}@example.com;" + ";".join([text] * FIELDS) for number, text in enumerate(["x", EMOJI, "y"])]
    mapping = {number + 1: {"field": f"f{number}"} for number in range(FIELDS)}
    done = await imported(large_shop, "\n".join([header, *lines]).encode(), mapping)
    assert done.result is not None
    assert (done.state, done.result["created"], done.result["errors"]) == ("done", 2, 1)
