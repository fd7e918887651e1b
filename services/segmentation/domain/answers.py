"""Answers questions with a slice."""

import base64
from collections.abc import Sequence
from datetime import UTC, date
from typing import Any
from uuid import UUID

from pyroaring import BitMap

from services.segmentation.domain.account_slice import AccountSlice
from services.segmentation.domain.audience import count_parts, decide_for_many, select, subset_of
from services.segmentation.domain.contact_facts import SliceFacts
from services.segmentation.domain.evaluator import Evaluator
from services.segmentation.domain.interest import label_planes
from services.segmentation.domain.planes import strengths
from services.segmentation.domain.portable import PortableAudience, PortableBlock, PortableCriterion
from services.segmentation.domain.questions import (
    CountAnnounced,
    CountAudience,
    CountGroups,
    CountMachineClicks,
    CountNodes,
    DecideContent,
    ExplainContact,
    LabelInterest,
    ListAnnounced,
    ListEngagements,
    ListMembers,
    ListSubset,
    Question,
    SamplePage,
)
from services.segmentation.domain.slice import Slice
from services.segmentation.domain.tally import EVER, add_tallies
from shared.criteria import Criterion, evaluate, with_merged_labels
from shared.criteria.content import Block
from shared.criteria.references import walk

MAX_QUERY_SUMS = 200  # sums that queries may cache per slice and day; each takes about 30 kB at 100,000 contacts


def answer(question: Question, account: AccountSlice | None, partition: int, partitions: int, account_id: int) -> Any:  # noqa: ANN401 (JSON)
    """Return a slice's answer, as JSON values; `account` is None if the account has no contacts there."""
    if account is None:
        # An account without contacts in the slice answers like an empty slice.
        first_contact = (partition - account_id) % partitions
        account = AccountSlice(account_id, UTC, "UTC", date(1970, 1, 1), partitions, first_contact)
    match question:
        case CountAudience(audience=audience, blocks=blocks):
            return _count_audience(account.image, audience, blocks)
        case CountGroups(asked=criteria, groups=groups):
            return _count_groups(account.image, criteria, groups)
        case CountMachineClicks(send_id=send_id):
            return _count_machine_clicks(account.image, send_id)
        case ListEngagements():
            return _list_engagements(account.image)
        case DecideContent():
            return _decide_content(account, question)
        case LabelInterest(label_id=label_id, first=first, last=last):
            return _label_interest(account.image, label_id, (first, last))
        case SamplePage(asked=criterion, limit=limit):
            return _sample(account.image, Evaluator(account.image).members(criterion.inlined), limit)
        case CountNodes(asked=criterion):
            # While a marketer types, the same windows are queried repeatedly.
            evaluator = Evaluator(account.image, keep=account.image.query_sums < MAX_QUERY_SUMS)
            return [len(evaluator.members(node)) for node in walk(criterion.inlined)]
        case _:
            return _about_contacts(question, account)


def _about_contacts(
    question: ListMembers | ListAnnounced | ListSubset | CountAnnounced | ExplainContact, account: AccountSlice
) -> Any:  # noqa: ANN401 (JSON)
    target = account.image
    match question:
        case ListMembers(asked=criterion, after=after, limit=limit):
            return _page(Evaluator(target).members(criterion.inlined), after, limit, target)
        case ListAnnounced(segment_id=segment_id, after=after, limit=limit):
            membership = account.memberships.get(segment_id)
            return _page(BitMap() if membership is None else membership.announced, after, limit, target)
        case ListSubset(audience=audience, blocks=blocks, subset=subset, after=after, limit=limit):
            inlined_blocks = [block.inlined for block in blocks]
            return _page(subset_of(Evaluator(target), audience.inlined, inlined_blocks, subset), after, limit, target)
        case ExplainContact(asked=criterion, contact_id=contact_id):
            return _explain(criterion, account, contact_id // target.partitions)
        case CountAnnounced():
            memberships = account.memberships.items()
            return {str(segment_id): len(membership.announced) for segment_id, membership in memberships}


def _page(members: BitMap, after: int, limit: int, target: Slice) -> dict[str, Any]:
    first_contact, partitions = target.first_contact, target.partitions
    # The smallest index whose contact id is above `after`.
    first = max(0, (after - first_contact) // partitions + 1)
    start = members.rank(first - 1) if first > 0 else 0
    contact_ids = [index * partitions + first_contact for index in members[start : start + limit]]
    return {"contact_ids": contact_ids, "count": len(members)}


def _explain(criterion: PortableCriterion, account: AccountSlice, index: int) -> dict[str, Any] | None:
    facts = SliceFacts(account.image, index)
    if not facts.known:
        return None
    return _explanation(criterion.inlined, facts, account.day)


def _explanation(criterion: Criterion, facts: SliceFacts, today: date) -> dict[str, Any]:
    """Return the tree with the values that every node read; merged labels are shown as the criterion names them."""
    resolved = with_merged_labels(criterion, facts.target.merged.last)
    return evaluate(resolved, facts, today).as_written(criterion).tree()


def _count_audience(target: Slice, audience: PortableAudience, blocks: list[PortableBlock]) -> dict[str, Any]:
    evaluator = Evaluator(target, keep=target.query_sums < MAX_QUERY_SUMS)
    target.query_sums += len(audience.include) + len(audience.exclude)
    inlined = audience.inlined
    selection = select(evaluator, inlined)
    content = decide_for_many(evaluator, [block.inlined for block in blocks], selection.audience)
    return {
        "count": len(selection.audience),
        "held_out": len(selection.held_out),
        "suppressed": {reason: len(contacts) for reason, contacts in selection.suppressed.items()},
        "parts": [[part.count, part.only_here] for part in count_parts(evaluator, inlined)],
        "content": {
            block: {variant: len(contacts) for variant, contacts in by_variant.items()}
            for block, by_variant in content.items()
        },
    }


def _count_groups(target: Slice, criteria: Sequence[PortableCriterion], groups: Sequence[str]) -> list[list[int]]:
    evaluator = Evaluator(target)
    members = [evaluator.members(criterion.inlined) for criterion in criteria]
    within = [BitMap.deserialize(base64.b64decode(group)) for group in groups]
    return [
        [len(contacts) for contacts in members],
        *([contacts.intersection_cardinality(group) for contacts in members] for group in within),
    ]


def _list_engagements(target: Slice) -> list[tuple[str, str | None]]:
    kinds = [(str(name[1]), None) for name in target.tallies if name[0] == "engaged"]
    return kinds + [(str(name[1]), str(name[2])) for name in target.parts if name[0] == "engaged.ref"]


def _count_machine_clicks(target: Slice, send_id: str) -> list[int]:
    planes = add_tallies(target.named(("machine.send", send_id)), EVER, None, False)
    contacts = BitMap.union(*planes) if planes else BitMap()
    return [sum(len(plane) << level for level, plane in enumerate(planes)), len(contacts)]


def _decide_content(account: AccountSlice, question: DecideContent) -> dict[int, Any]:
    target = account.image
    indexes = {contact_id: contact_id // target.partitions for contact_id in question.contact_ids}
    contacts = BitMap(list(indexes.values()))
    blocks = [block.inlined for block in question.blocks]
    by_block = decide_for_many(Evaluator(target, contacts), blocks, contacts)
    answers: dict[int, Any] = {}
    for contact_id, index in indexes.items():
        content = {
            block: next(variant for variant, members in by_variant.items() if index in members)
            for block, by_variant in by_block.items()
        }
        answers[contact_id] = {"content": content}
        if question.explain:
            answers[contact_id]["why"] = _explain_blocks(blocks, content, SliceFacts(target, index), account.day)
    return answers


def _explain_blocks(blocks: list[Block], content: dict[str, str], facts: SliceFacts, today: date) -> dict[str, Any]:
    """Return the trees of the criteria up to the chosen variant, in order, for each block."""
    why: dict[str, Any] = {}
    for block in blocks:
        why[block.name] = []
        for variant in block.variants:
            tree = _explanation(variant.criterion, facts, today)
            why[block.name].append({"variant": variant.name, "tree": tree})
            if variant.name == content[block.name]:
                break
    return why


def _label_interest(target: Slice, label_id: UUID, days: tuple[int, int]) -> dict[str, Any]:
    labels = [label.int for label in target.merged.alike(label_id)]
    tallies = [tally for label in labels for tally in target.named(("click.label", label))]
    by_day: dict[int, list[int]] = {}
    for day in {day for tally in tallies for day, _ in tally.clicked_by_day(days, target.known)}:
        counted = label_planes(target, label_id, (day, day), None, False, refused=True)
        planes = [plane & target.known for plane in counted]
        number = sum(len(plane) << level for level, plane in enumerate(planes))
        by_day[day] = [number, len(BitMap.union(*planes))]
    planes = label_planes(target, label_id, days, None, False, refused=True)
    return {"days": by_day, "strengths": strengths(planes, target.known)}


def _sample(target: Slice, members: BitMap, limit: int) -> list[int]:
    step = max(1, len(members) // limit) if limit else 1
    return [index * target.partitions + target.first_contact for index in members[::step][:limit]]
