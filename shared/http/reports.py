"""Reports that are sent over HTTP: they are written to the intake topic, and then processed like all others."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field
from uuid_utils.compat import uuid7

from shared.bus.errors import is_passing
from shared.bus.producer import Headers, IntakeProducer
from shared.correlation import correlation_id
from shared.events.codec import INTAKE_BYTES, body_of, headers_of
from shared.events.intake import ClickReported, EngagementReported
from shared.http.batches import BatchError, none_taken
from shared.http.problems import unavailable
from shared.tracing import current_traceparent

SOURCE = "/api"  # the same for every API key, so that a report repeated with another key is the same report
IntakeRecord = tuple[bytes, bytes, Headers]


class Accepted(BaseModel):
    """How many reports were accepted; they are processed within moments."""

    accepted: Annotated[int, Field(description="Reports that were accepted.", examples=[1])]
    errors: Annotated[list[BatchError], Field(description="Reports that were refused.")]


def record_of(report: ClickReported | EngagementReported, report_id: str | None, key: object) -> IntakeRecord:
    """Return the report's record; `key` spreads an account's reports over the partitions."""
    correlation = correlation_id.get()
    headers = headers_of(
        f"penchant.{report.name}.v{report.version}",
        report_id or uuid7(),
        SOURCE,
        report.occurred_at,
        None,
        {},
        None if correlation is None else str(correlation),
        None,
        current_traceparent(),
    )
    return f"{report.account_id}:{key}".encode(), body_of(report), [*headers]


async def take_in(
    producer: IntakeProducer, topic: str, records: Sequence[tuple[int, IntakeRecord]], errors: Sequence[BatchError]
) -> Accepted:
    """Write the acceptable reports of a batch to the topic; `records` have their index in the batch.

    Raises Problem: 422 if no report is acceptable, 503 while Kafka is unavailable.
    """
    all_errors = [*errors, *(_too_large(index, record) for index, record in records if len(record[1]) > INTAKE_BYTES)]
    accepted = [record for _, record in records if len(record[1]) <= INTAKE_BYTES]
    if not accepted:
        none_taken(all_errors, {"accepted": 0})
    try:
        await producer.send(topic, accepted)
    except Exception as error:
        if not is_passing(error):
            raise
        raise unavailable("Kafka is unavailable. Try again in a moment, with the same ids.") from None
    return Accepted(accepted=len(accepted), errors=sorted(all_errors, key=lambda error: error.index))


def _too_large(index: int, record: IntakeRecord) -> BatchError:
    detail = f"the report has {len(record[1])} bytes; the limit is {INTAKE_BYTES}"
    return BatchError(index=index, code="invalid", pointer="", detail=detail)
