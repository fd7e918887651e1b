"""What makes a report of an engagement unusable."""

from datetime import datetime, timedelta

from pydantic_core import to_json

from services.labeling.domain.problems import InvalidError
from shared.events.intake import EngagementReport

# Clocks differ; what is further ahead would be counted on a day that has not come.
MOST_AHEAD = timedelta(minutes=5)
MOST_DATA_BYTES = 16 * 1024
LONGEST_ATTRIBUTE = 1_000


def check_report(report: EngagementReport, now: datetime) -> None:
    """Raises InvalidError, with a pointer, for what can't be used whoever it is about."""
    if report.occurred_at > now + MOST_AHEAD:
        raise InvalidError("occurred_at is more than 5 minutes ahead", "/occurred_at")
    if report.data is not None and len(to_json(report.data)) > MOST_DATA_BYTES:
        raise InvalidError("data has at most 16 kB", "/data")
    if "\0" in report.kind + (report.ref or ""):
        raise InvalidError("kind and ref have no NUL")
    for name, value in report.attributes.items():
        if len(name) > 100 or (isinstance(value, str) and len(value) > LONGEST_ATTRIBUTE):
            raise InvalidError("an attribute's name has at most 100 characters, its value 1,000", "/attributes")
