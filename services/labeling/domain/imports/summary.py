"""Adds up the results of a check, row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self
from uuid import UUID

from rapidfuzz import fuzz, process

from services.labeling.domain.imports.rows import CellProblem
from services.labeling.domain.labels import Label, name_key

MOST_NAMES = 1_000  # unknown labels that are listed
MOST_EXAMPLES = 3  # rows per reason
NEAREST = 3  # labels that are suggested for an unknown name
LEAST_SIMILARITY = 60.0  # of suggested labels, from 0 to 100

# What importing a row would do. A duplicate repeats the contact of an earlier row, and is merged with it.
RowOutcome = Literal["create", "update", "unchanged", "duplicate", "skipped", "error"]
# The counts of a check whose rows can be listed.
RowList = Literal["all", "create", "update", "unchanged", "duplicates", "skipped", "errors", "suppressed"]


@dataclass(slots=True)
class Summary:
    """Counts of rows by what importing them would do. It is kept as JSON between the steps of a check.

    A worker of the previous or the next version may continue a check, so the stored members must not change.
    """

    rows: int = 0
    create: int = 0
    update: int = 0
    unchanged: int = 0
    skipped: int = 0
    errors: int = 0
    suppressed: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, dict[str, Any]] = field(default_factory=dict)
    overwrites: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Return the summary in a job's cursor."""
        return cls(**stored)

    def as_stored(self) -> dict[str, Any]:
        """Return the summary as JSON."""
        return asdict(self)

    @property
    def duplicates(self) -> int:
        """The number of rows that repeat the contact of an earlier row: those that are not counted otherwise."""
        return self.rows - self.create - self.update - self.unchanged - self.skipped - self.errors

    def count(self, outcome: RowOutcome, *, suppressed: bool) -> None:
        """Count a row. A contact in several rows is counted by the first one; the others are duplicates."""
        self.rows += 1
        self.suppressed += suppressed
        if outcome == "error":
            self.errors += 1
        elif outcome != "duplicate":
            setattr(self, outcome, getattr(self, outcome) + 1)

    def refuse(self, number: int, problems: Sequence[CellProblem]) -> None:
        """Count the reasons why a row is refused, each with the first rows that have it."""
        for problem in problems:
            # Grouped by code, because the detail quotes the cell.
            reason = self.reasons.setdefault(problem.code, {"code": problem.code, "rows": 0, "examples": []})
            reason["rows"] += 1
            if len(reason["examples"]) < MOST_EXAMPLES:
                reason["examples"].append({"row": number, "detail": problem.detail})

    def miss(self, names: Sequence[str]) -> None:
        """Count unknown label names."""
        for name in names:
            if name in self.unknown or len(self.unknown) < MOST_NAMES:
                self.unknown[name] = self.unknown.get(name, 0) + 1

    def overwrite(self, members: Sequence[str]) -> None:
        """Count members whose value would be replaced by another one."""
        for member in members:
            name = member.removeprefix("fields/")
            self.overwrites[name] = self.overwrites.get(name, 0) + 1

    def as_shown(self, labels: Sequence[Label]) -> dict[str, Any]:
        """Return the summary as the API shows it."""
        return {
            "rows": self.rows,
            "create": self.create,
            "update": self.update,
            "unchanged": self.unchanged,
            "errors": self.errors,
            "skipped": self.skipped,
            "duplicates": self.duplicates,
            "suppressed": self.suppressed,
            "unknown_labels": unknown_labels(self.unknown, labels),
            "reasons": sorted(self.reasons.values(), key=lambda reason: -reason["rows"]),
            "overwrites": [
                {"member": member, "rows": rows}
                for member, rows in sorted(self.overwrites.items(), key=lambda item: -item[1])
            ],
        }


def unknown_labels(unknown: Mapping[str, int], labels: Sequence[Label]) -> list[dict[str, Any]]:
    """Return unknown names, most frequent first, each with the labels whose names are most similar."""
    choices: dict[tuple[UUID, str], str] = {
        (label.id, name): name_key(name) for label in labels for name in (label.name, *label.aliases)
    }
    by_id = {label.id: label for label in labels}
    return [
        {"name": name, "rows": rows, "nearest": _nearest(name, choices, by_id)}
        for name, rows in sorted(unknown.items(), key=lambda item: (-item[1], item[0]))
    ]


def _nearest(name: str, choices: Mapping[tuple[UUID, str], str], by_id: Mapping[UUID, Label]) -> list[dict[str, Any]]:
    label_ids: dict[UUID, None] = {}
    matches = process.extract(
        name_key(name), choices, scorer=fuzz.ratio, score_cutoff=LEAST_SIMILARITY, limit=3 * NEAREST
    )
    for _, _, (label_id, _) in matches:
        label_ids.setdefault(label_id)
    return [{"id": str(label_id), "name": by_id[label_id].name} for label_id in list(label_ids)[:NEAREST]]
