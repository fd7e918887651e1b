"""The shape that all events share, and the identifiers they carry."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar, TypeVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from uuid_utils.compat import uuid7

Value = TypeVar("Value")


def _is_none(value: object) -> bool:
    return value is None


def _in_utc(value: datetime) -> datetime:
    # The comparison costs a third of the conversion, and what we read is in UTC nearly always.
    if value.tzinfo == UTC:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("this time is outside of the years 1 to 9999 in UTC") from None


AccountId = Annotated[int, Field(ge=1, le=2**31 - 1)]
ContactId = Annotated[int, Field(ge=1, le=2**32 - 1)]
Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
# A member written `name?` on the interfaces page: left out of the JSON when there is nothing to say.
Optional = Annotated[Value | None, Field(default=None, exclude_if=_is_none)]


class Part(BaseModel):
    """A piece of an event. Readers pass over members that they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Event(Part):
    """A fact, as it is written to Kafka.

    Each subclass names its type, its version, the topic that carries it and, for a catalog event, how its key
    reads. `event_id` is a UUIDv7; `occurred_at` is when it happened, in UTC.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    topic: ClassVar[str]

    event_id: UUID = Field(default_factory=uuid7)
    occurred_at: Instant

    @property
    def key(self) -> str:
        """The Kafka key: what the record is about."""
        raise NotImplementedError

    @classmethod
    def type(cls) -> str:
        """The CloudEvents type: `penchant.<name>.v<version>`."""
        return f"penchant.{cls.name}.v{cls.version}"


class ContactEvent(Event):
    """A fact about one contact; keyed so that all about a contact is in one partition number."""

    account_id: AccountId
    contact_id: ContactId

    @property
    def key(self) -> str:
        return f"{self.account_id}:{self.contact_id}"


class CatalogEvent(Event):
    """The whole state of one thing of an account; the newest record of a key replaces the older ones."""

    account_id: AccountId
