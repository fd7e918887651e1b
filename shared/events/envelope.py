"""The shape that all events share, and the identifiers they carry."""

from dataclasses import field
from datetime import UTC, datetime
from typing import Annotated, ClassVar, TypeVar, cast, dataclass_transform
from uuid import UUID

from msgspec import Meta
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field
from pydantic.dataclasses import dataclass
from uuid_utils.compat import uuid7

Value = TypeVar("Value")
Model = TypeVar("Model")


def _is_none(value: object) -> bool:
    return value is None


def _in_utc(value: datetime) -> datetime:
    # The comparison takes a third of the time of a conversion, and nearly all times are in UTC.
    if value.tzinfo == UTC:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("this time is outside of the years 1 to 9999 in UTC") from None


AccountId = Annotated[int, Field(ge=1, le=2**31 - 1), Meta(ge=1, le=2**31 - 1)]
ContactId = Annotated[int, Field(ge=1, le=2**32 - 1), Meta(ge=1, le=2**32 - 1)]
Instant = Annotated[datetime, AwareDatetime, AfterValidator(_in_utc), Meta(tz=True)]
# A member that is omitted from the JSON when it is None.
Optional = Annotated[Value | None, Field(default=None, exclude_if=_is_none)]

# Readers ignore unknown members.
_CONFIG = ConfigDict(extra="ignore", allow_inf_nan=False, populate_by_name=True, serialize_by_alias=True)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def contract(model: type[Model]) -> type[Model]:
    """Return a frozen pydantic dataclass: it validates its arguments, writes JSON and has a JSON Schema.

    msgspec reads JSON into the same classes, in a third of the time (see `shared.events.codec`), but has its own
    annotations: declare each limit for both.
    """
    return cast("type[Model]", dataclass(model, frozen=True, kw_only=True, slots=True, config=_CONFIG))


@contract
class Event:
    """A fact, as it is written to Kafka.

    Each subclass declares its type, its version, the topic that carries it and, for a catalog event, the form of its
    key. `event_id` is a UUIDv7; `occurred_at` is when it happened, in UTC.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    topic: ClassVar[str]

    event_id: UUID = field(default_factory=uuid7)
    occurred_at: Instant

    @property
    def key(self) -> str:
        """The Kafka key, which identifies the contact or thing that the record is about."""
        raise NotImplementedError

    @classmethod
    def type(cls) -> str:
        """Return the CloudEvents type: `penchant.<name>.v<version>`."""
        return f"penchant.{cls.name}.v{cls.version}"


@contract
class ContactEvent(Event):
    """A fact about one contact; its key puts all events of a contact into one partition number."""

    account_id: AccountId
    contact_id: ContactId

    @property
    def key(self) -> str:
        return f"{self.account_id}:{self.contact_id}"


@contract
class CatalogEvent(Event):
    """The complete state of one thing of an account; the newest record of a key replaces older ones."""

    account_id: AccountId
