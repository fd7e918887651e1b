"""What labeling publishes: contacts, labels held, engagements, and the catalogs of accounts, labels, fields, keys."""

from typing import ClassVar, Literal
from uuid import UUID

from shared.events.envelope import CatalogEvent, ContactEvent, ContactId, Instant, Optional, contract
from shared.events.parts import Origin, Send

ContactState = Literal["active", "merged", "erased"]
LabelState = Literal["active", "hidden", "deleted", "merged"]
FieldType = Literal["text", "number", "date", "boolean", "choice"]
Subscription = Literal["subscribed", "unconfirmed", "unsubscribed", "bounced", "blocked"]
TrackingConsent = Literal["granted", "denied", "unknown"]
AccountScope = Literal["read", "write", "self", "admin"]  # what an account may give to a key of its own
Scope = Literal["read", "write", "self", "admin", "pipeline"]  # `pipeline` is for the operator to give
# Keys of scope `pipeline` serve every account and belong to none; their events carry this id instead.
NO_ACCOUNT = 2**31 - 1
Scalar = bool | int | float | str


@contract
class LabelAssigned(ContactEvent):
    """The contact holds the label from now on. `history`: because of something that starts no workflow."""

    name: ClassVar[str] = "LabelAssigned"
    topic: ClassVar[str] = "labeling.labels"

    label_id: UUID
    label_name: str
    origin: Origin
    history: Optional[bool] = None


@contract
class LabelRemoved(ContactEvent):
    """The contact no longer holds the label. `history`: because of something that starts no workflow."""

    name: ClassVar[str] = "LabelRemoved"
    topic: ClassVar[str] = "labeling.labels"

    label_id: UUID
    label_name: str
    origin: Origin
    history: Optional[bool] = None


@contract
class ContactChanged(ContactEvent):
    """The whole state of a contact. Once erased, only ids and `state` are left, and a tombstone follows."""

    name: ClassVar[str] = "ContactChanged"
    topic: ClassVar[str] = "labeling.contacts"

    external_id: str | None
    email: str | None
    fields: dict[str, Scalar]
    state: ContactState
    merged_into: Optional[ContactId] = None
    subscription: Subscription
    tracking_consent: TrackingConsent
    source: Optional[str] = None
    language: Optional[str] = None
    created_at: Optional[Instant] = None


@contract
class ContactEngaged(ContactEvent):
    """Anything else that a contact did or had done to it. `kind` is open. `history`: it starts no workflow."""

    name: ClassVar[str] = "ContactEngaged"
    topic: ClassVar[str] = "labeling.engagements"

    kind: str
    ref: Optional[str] = None
    message_id: Optional[UUID] = None
    send: Optional[Send] = None
    attributes: dict[str, Scalar]
    history: Optional[bool] = None


@contract
class Brand:
    """How an account presents itself to its contacts."""

    name: str
    logo_url: Optional[str] = None
    colour: Optional[str] = None
    postal_address: Optional[str] = None


@contract
class UtmRule:
    """What is appended to the targets of tracked links for web analytics: `utm_source`, `utm_medium`, `utm_campaign`.

    `campaign` may name `{send_id}`, `{send_kind}` and `{message_name}`. A value that is missing is not appended.
    """

    source: str
    medium: Optional[str] = None
    campaign: Optional[str] = None


@contract
class AccountChanged(CatalogEvent):
    """An account; its days are days of `time_zone` (an IANA name).

    `languages` are those of its contacts, the preferred one first. `track_unknown_consent`: clicks of contacts whose
    consent to tracking is unknown count. `sender_domains` and `click_domain` are granted by the operator:
    mails come from addresses in these domains and their subdomains, from any as long as there are none.
    `utm` is absent if nothing is appended to the targets of tracked links.
    """

    name: ClassVar[str] = "AccountChanged"
    topic: ClassVar[str] = "labeling.catalog"

    account_name: str
    time_zone: str
    state: Literal["active", "deleted"] = "active"
    brand: Optional[Brand] = None
    languages: tuple[str, ...] = ()
    track_unknown_consent: bool = True
    sender_domains: tuple[str, ...] = ()
    click_domain: Optional[str] = None
    utm: Optional[UtmRule] = None

    @property
    def key(self) -> str:
        return f"account:{self.account_id}"


@contract
class LabelChanged(CatalogEvent):
    """A label. Its record stays after deletion, so that whoever uses it can say what is broken.

    `order` is its place within its `group` on the preference page; smaller numbers come first.
    """

    name: ClassVar[str] = "LabelChanged"
    topic: ClassVar[str] = "labeling.catalog"

    label_id: UUID
    label_name: str
    description: str
    visibility: Literal["public", "private"]
    aliases: tuple[str, ...] = ()
    state: LabelState = "active"
    merged_into: Optional[UUID] = None
    group: Optional[str] = None
    names: Optional[dict[str, str]] = None
    order: int = 0

    @property
    def key(self) -> str:
        return f"label:{self.label_id}"


@contract
class FieldChanged(CatalogEvent):
    """A field of the account's contacts: a fixed `field_key` and a name to show."""

    name: ClassVar[str] = "FieldChanged"
    topic: ClassVar[str] = "labeling.catalog"

    field_key: str
    field_name: str
    field_type: FieldType
    choices: tuple[str, ...] = ()
    state: Literal["active", "deleted"] = "active"

    @property
    def key(self) -> str:
        return f"field:{self.account_id}/{self.field_key}"


@contract
class ApiKeyChanged(CatalogEvent):
    """An API key, by the SHA-256 of its text (hexadecimal); internal."""

    name: ClassVar[str] = "ApiKeyChanged"
    topic: ClassVar[str] = "labeling.keys"

    key_id: UUID
    hash: str
    scopes: tuple[Scope, ...]
    revoked: bool

    @property
    def key(self) -> str:
        return f"key:{self.key_id}"
