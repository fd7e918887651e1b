"""A figure: one line of the table that `make bench` prints."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value.

    `goal` is the value to reach, or the upper limit if `better` is `lower`. `baseline` is the value of the plainest way
    to do the same work, in the same run; `ratio` is value / baseline.
    """

    name: str
    value: float
    unit: str
    goal: float | None = None
    baseline: float | None = None
    baseline_of: str = ""
    better: Literal["higher", "lower"] = "higher"
    goal_ratio: float | None = None

    @property
    def ratio(self) -> float | None:
        return None if not self.baseline else self.value / self.baseline

    @property
    def reached(self) -> bool | None:
        """Return whether the value reaches the goal; None if there is no goal."""
        checks = []
        if self.goal is not None:
            checks.append(self.value >= self.goal if self.better == "higher" else self.value <= self.goal)
        if self.goal_ratio is not None and self.ratio is not None:
            checks.append(self.ratio >= self.goal_ratio)
        return all(checks) if checks else None

    def as_json(self) -> dict[str, object]:
        """Return the figure as `make bench` writes it."""
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "baseline": None if self.baseline is None else round(self.baseline, 3),
            "baseline_of": self.baseline_of or None,
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "goal": self.goal,
            "goal_ratio": self.goal_ratio,
            "better": self.better,
            "reached": self.reached,
        }
