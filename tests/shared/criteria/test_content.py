"""The variant that a contact gets for each block."""

from datetime import date
from uuid import UUID, uuid4

from shared.criteria import ContactFacts, Criterion, decide_content, evaluate, read_blocks
from shared.events.tracking import BlockVariant, MessageBlock

TODAY = date(2026, 11, 25)
DOGS, CATS = uuid4(), uuid4()
HERO = MessageBlock(
    block="hero",
    variants=(
        BlockVariant(variant="cats", criterion={"label": {"id": str(CATS)}}),
        BlockVariant(variant="unset"),
        BlockVariant(variant="later", criterion={"a kind of a later release": {}}),
        BlockVariant(variant="dogs", criterion={"label": {"id": str(DOGS)}}),
    ),
    fallback=True,
)
SUBJECT = MessageBlock(block="subject", variants=(), fallback=True)


def content(*labels: UUID) -> dict[str, str]:
    facts = ContactFacts(labels=dict.fromkeys(labels, TODAY))

    def is_true(criterion: Criterion) -> bool:
        return evaluate(criterion, facts, TODAY).truth

    return decide_content(read_blocks([HERO, SUBJECT]), is_true)


def test_the_first_variant_with_a_true_criterion_is_chosen_or_the_fallback() -> None:
    assert content(DOGS) == {"hero": "dogs", "subject": ""}
    assert content(DOGS, CATS) == {"hero": "cats", "subject": ""}
    assert content() == {"hero": "", "subject": ""}
