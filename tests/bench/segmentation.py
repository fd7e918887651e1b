"""Segmentation in memory: folding, counting, and evaluating segments."""

import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from uuid import UUID
from zoneinfo import ZoneInfo

from services.segmentation.domain.account_slice import AccountSlice
from services.segmentation.domain.definitions import Definitions
from shared.criteria import History, parse
from shared.events.envelope import ContactEvent
from shared.events.parts import LabelReference
from shared.events.topics import partition_of
from tests.bench.clicks import clicks_of
from tests.bench.figure import Figure
from tests.bench.place import Place
from tests.bench.segmentation_audience import audience_rows
from tests.bench.segmentation_criteria import criteria_rows
from tests.bench.segmentation_databases import in_duckdb, in_postgres
from tests.bench.segmentation_image import ACCOUNT, PARTITIONS, ZONE, ClickHistory, count, label_id, three_parts

CONTACTS, CLICKS = 1_000_000, 10_000_000
REPETITIONS = 9
LABELS = [LabelReference(id=label_id(number), name=f"Label {number}") for number in range(20)]


def _batch(number: int, partition: int | None, dice: random.Random) -> list[ContactEvent]:
    """Return human clicks of `number` contacts, all of one partition number unless it is None."""
    found: list[int] = []
    while len(found) < number:
        contact_id = dice.randrange(1, CONTACTS)
        if partition is None or partition_of(ACCOUNT, contact_id, PARTITIONS) == partition:
            found.append(contact_id)
    return list(clicks_of(found, LABELS, ACCOUNT))


def fold_rate(slices: Sequence[AccountSlice]) -> Figure:
    """Measure the fold of events from memory into the image, and into the facts of each contact."""
    dice = random.Random(3)
    batches = [(partition, _batch(5_000, partition, dice)) for partition in range(PARTITIONS)]
    started = perf_counter()
    for partition, events in batches:
        slices[partition].replay(events)
    took = perf_counter() - started
    plain: dict[int, History] = {}
    zone = ZoneInfo(ZONE)
    started = perf_counter()
    for _, events in batches:
        for event in events:
            plain.setdefault(event.contact_id, History(zone)).apply(event)
    baseline = 5_000 * PARTITIONS / (perf_counter() - started)
    return Figure(
        "segmentation: folded from memory", 5_000 * PARTITIONS / took, "events/s", goal=200_000, baseline=baseline,
        baseline_of="facts per contact",
    )  # fmt: skip


def thousand_segments() -> Definitions:
    """Return a thousand segments of four kinds."""
    dice = random.Random(4)
    segments = {}
    for number in range(1000):
        label = str(label_id(dice.randrange(20)))
        least, days = dice.randrange(1, 5), dice.choice([7, 30, 60, 90])
        city = {"field": {"key": "city", "is": f"city {dice.randrange(300)}"}}
        unread = {"clicks": {"send": f"send {dice.randrange(3)}", "exactly": 0}}
        long = {"clicks": {"at_least": dice.randrange(2, 9), "within_days": dice.randrange(5, 200)}}
        criteria = [
            {"clicks": {"label": label, "at_least": least, "within_days": days}},
            {"all": [{"clicks": {"label": label, "within_days": 30}}, city]},
            {"all": [{"label": label}, unread]},
            {"any": [long, {"label": {"id": label, "within_days": dice.randrange(5, 50)}}]},
        ]
        segments[UUID(int=5000 + number)] = (f"s{number}", parse(criteria[number % 4]))
    return Definitions(ZONE, segments)


def evaluate_segments(slices: Sequence[AccountSlice]) -> Figure:
    """Measure 5,000 clicks through a slice, including the evaluation of a thousand segments."""
    definitions = thousand_segments()
    account = slices[3]
    account.adopt(definitions)
    for membership in account.memberships.values():
        membership.announced ^= membership.all_pending()
        membership.pending.clear()
    dice = random.Random(5)
    times = []
    for _ in range(3):
        events = _batch(5_000, 3, dice)
        started = perf_counter()
        for _ in account.fold(events, definitions):
            pass
        times.append(perf_counter() - started)
    return Figure(
        "segmentation: 1,000 segments after 5,000 clicks, 1M contacts", min(times[1:]), "s", goal=1, better="lower"
    )


def _best_time(action: Callable[[], object]) -> float:
    """Return the shortest time of several calls in milliseconds."""
    times = []
    for _ in range(REPETITIONS):
        started = perf_counter()
        action()
        times.append((perf_counter() - started) * 1000)
    return min(times)


async def run(place: Place) -> list[Figure]:
    """Measure a million contacts: counts, the same counts in databases, folding, a thousand segments."""
    criterion = three_parts()
    with TemporaryDirectory(prefix="penchant-rows-") as name, place.sandbox() as sandbox:
        rows = Path(name)
        slices = list(ClickHistory(CONTACTS, CLICKS).slices(rows))
        first, again = (_best_time(partial(count, slices, criterion, keep=keep)) for keep in (False, True))
        counted = count(slices, criterion)
        of_postgres, in_sql = await in_postgres(sandbox.database(), rows)
        of_duckdb, in_duck = in_duckdb(rows)
    assert counted == of_postgres == of_duckdb, (counted, of_postgres, of_duckdb)
    return [
        Figure("segmentation: count of three parts, 1M contacts, 10M clicks, asked first", first, "ms", goal=10,
            better="lower", baseline=in_sql, baseline_of="PostgreSQL"),
        Figure("segmentation: the same, asked again", again, "ms", better="lower",
            baseline=in_duck, baseline_of="DuckDB"),
        Figure("segmentation: asked again, against PostgreSQL", in_sql / again, "times as fast", goal=100),
        Figure("segmentation: asked again, against DuckDB", in_duck / again, "times as fast", goal=20),
        fold_rate(slices),
        evaluate_segments(slices),
        *audience_rows(slices, CONTACTS),
        *criteria_rows(slices),
    ]  # fmt: skip
