"""Keeps the members of segments up to date."""

from collections.abc import Sequence

from pyroaring import BitMap

from services.labeling.store.segment_members import Place, Segment, members_at, write_members
from shared.events.envelope import Event
from shared.events.segmentation import SegmentEntered, SegmentLeft
from shared.events.topics import partition_of
from shared.store.unit_of_work import UnitOfWork


async def follow_memberships(work: UnitOfWork, events: Sequence[Event], partitions: int) -> None:
    """Apply the events of segments in their order to the stored members; ignore other events."""
    moves: dict[Place, dict[int, bool]] = {}  # by segment and partition number: whether each contact is a member now
    segments = {}
    for event in events:
        if isinstance(event, SegmentEntered | SegmentLeft):
            partition = partition_of(event.account_id, event.contact_id, partitions)
            is_member = isinstance(event, SegmentEntered)
            moves.setdefault((event.segment_id, partition), {})[event.contact_id] = is_member
            segments[event.segment_id] = Segment(event.account_id, event.segment_name)
    stored = await members_at(work.connection, moves)
    after: dict[Place, BitMap] = {}
    for place, contacts in moves.items():
        members = stored.get(place) or BitMap()
        members.update(contact_id for contact_id, is_member in contacts.items() if is_member)
        members -= BitMap(contact_id for contact_id, is_member in contacts.items() if not is_member)
        after[place] = members
    await write_members(work.connection, after, segments)
