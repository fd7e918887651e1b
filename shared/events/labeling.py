"""What labeling publishes: contacts, labels held, engagements, and the catalogs of accounts, labels, fields, keys."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.events.envelope import CatalogEvent, ContactEvent, ContactId, Instant, Optional, contract
from shared.events.parts import Origin, Send

ContactState = Literal["active", "merged", "erased"]
LabelState = Literal["active", "hidden", "deleted", "merged"]
FieldType = Literal["text", "number", "date", "boolean", "choice"]
Subscription = Literal["subscribed", "unconfirmed", "unsubscribed", "bounced", "blocked"]
TrackingConsent = Literal["granted", "denied", "unknown"]
AccountScope = Literal["read", "write", "self", "admin"]  # scopes that an account may give to its own keys
Scope = Literal["read", "write", "self", "admin", "pipeline"]  # only the operator may give `pipeline`
# Keys of scope `pipeline` serve all accounts and belong to none; their events carry this id instead.
NO_ACCOUNT = 2**31 - 1
Scalar = bool | int | float | str
GIVEN_BACK = (
    "The labels that were merged into this one, if the contact had removed it itself: "
    "the contact no longer refuses these labels either."
)


@contract
class LabelAssigned(ContactEvent):
    """The contact holds the label from now on. `history`: the cause is an old event, which starts no workflow."""

    name: ClassVar[str] = "LabelAssigned"
    topic: ClassVar[str] = "labeling.labels"

    label_id: UUID
    label_name: str
    origin: Origin
    history: Optional[bool] = None
    given_back: Annotated[Optional[tuple[UUID, ...]], Field(description=GIVEN_BACK)] = None

    @property
    def not_refused(self) -> tuple[UUID, ...]:
        """The labels that the contact no longer refuses, whether it did before or not."""
        return (self.label_id, *(self.given_back or ()))


@contract
class LabelRemoved(ContactEvent):
    """The contact no longer holds the label. `history`: the cause is an old event, which starts no workflow."""

    name: ClassVar[str] = "LabelRemoved"
    topic: ClassVar[str] = "labeling.labels"

    label_id: UUID
    label_name: str
    origin: Origin
    history: Optional[bool] = None


@contract
class ContactChanged(ContactEvent):
    """The complete state of a contact. After an erasure only ids and `state` are left, and a tombstone follows."""

    name: ClassVar[str] = "ContactChanged"
    topic: ClassVar[str] = "labeling.contacts"

    external_id: str | None
    email: str | None
    fields: Annotated[
        dict[str, Scalar],
        Field(
            description="Values of fields by key; a field without a value is missing.",
            examples=[{"city": "Ghent", "pets": 2}],
        ),
    ]
    state: Annotated[
        ContactState,
        Field(description="`erased`: only ids and `state` are left, and a tombstone follows.", examples=["active"]),
    ]
    merged_into: Annotated[Optional[ContactId], Field(description="The contact that it was merged into.")] = None
    subscription: Subscription
    tracking_consent: TrackingConsent
    source: Optional[str] = None
    language: Optional[str] = None
    created_at: Optional[Instant] = None


@contract
class ContactEngaged(ContactEvent):
    """Anything else that a contact did or that was done to it. `kind` is open. `history`: it starts no workflow."""

    name: ClassVar[str] = "ContactEngaged"
    topic: ClassVar[str] = "labeling.engagements"

    kind: Annotated[
        str,
        Field(
            description="What happened, such as `form.submitted` or `message.sent`. Open.", examples=["form.submitted"]
        ),
    ]
    ref: Optional[str] = None
    message_id: Optional[UUID] = None
    send: Optional[Send] = None
    attributes: dict[str, Scalar]
    history: Optional[bool] = None


@contract
class Brand:
    """How an account presents itself to its contacts."""

    name: Annotated[str, Field(description="The name that contacts see.", examples=["Example Shop"])]
    logo_url: Annotated[Optional[str], Field(description="An https URL of a picture.")] = None
    colour: Annotated[Optional[str], Field(description="The colour of buttons and links, such as #0a7f5a.")] = None
    postal_address: Annotated[
        Optional[str], Field(description="The postal address at the foot of pages and mails.")
    ] = None


@contract
class UtmRule:
    """The parameters that are appended to tracked links' targets: `utm_source`, `utm_medium`, `utm_campaign`.

    `campaign` may contain `{send_id}`, `{send_kind}` and `{message_name}`. A value that is missing is not appended.
    """

    source: Annotated[str, Field(description="The value of `utm_source`.", examples=["newsletter"])]
    medium: Annotated[Optional[str], Field(description="The value of `utm_medium`.")] = None
    campaign: Annotated[Optional[str], Field(description="The value of `utm_campaign`.")] = None


@contract
class AccountChanged(CatalogEvent):
    """An account; its days are days of `time_zone` (an IANA name).

    `languages` are those of its contacts, the preferred one first. `track_unknown_consent`: clicks of contacts whose
    consent to tracking is unknown count. `sender_domains` and `click_domain` are granted by the operator: senders must
    be in these domains or their subdomains; if there are none, any domain is allowed. `utm` is absent if nothing is
    appended to the targets of tracked links.
    """

    name: ClassVar[str] = "AccountChanged"
    topic: ClassVar[str] = "labeling.catalog"

    account_name: Annotated[str, Field(description="The name of the account.", examples=["Example Shop"])]
    time_zone: str
    state: Annotated[Literal["active", "deleted"], Field(description="Whether the account was deleted.")] = "active"
    brand: Annotated[Optional[Brand], Field(description="How the account presents itself to its contacts.")] = None
    languages: Annotated[
        tuple[str, ...],
        Field(description="The languages of its contacts, the preferred one first.", examples=[["nl", "en"]]),
    ] = ()
    track_unknown_consent: Annotated[
        bool, Field(description="Whether clicks count while a contact's consent to tracking is unknown.")
    ] = True
    sender_domains: Annotated[
        tuple[str, ...],
        Field(description="Senders must be in these domains or their subdomains; if empty, any domain is allowed."),
    ] = ()
    click_domain: Annotated[Optional[str], Field(description="The account's own domain for tracked links.")] = None
    utm: Annotated[
        Optional[UtmRule],
        Field(
            description="The parameters that are appended to the targets of tracked links; missing if there are none."
        ),
    ] = None

    @property
    def key(self) -> str:
        return f"account:{self.account_id}"


@contract
class LabelChanged(CatalogEvent):
    """A label. Its record stays after deletion, so that services can name what is broken.

    `order` is its place within its `group` on the preference page; smaller numbers come first.
    """

    name: ClassVar[str] = "LabelChanged"
    topic: ClassVar[str] = "labeling.catalog"

    label_id: UUID
    label_name: str
    description: Annotated[
        str,
        Field(
            description="What the label is for; empty if nothing was written.",
            examples=["Clicked on something about dogs"],
        ),
    ]
    visibility: Literal["public", "private"]
    aliases: Annotated[tuple[str, ...], Field(description="Former names; imports recognise the label by them.")] = ()
    state: Annotated[LabelState, Field(description="`hidden` labels are not offered for new uses.")] = "active"
    merged_into: Annotated[Optional[UUID], Field(description="The label that it was merged into.")] = None
    group: Annotated[Optional[str], Field(description="The heading on the preference page.")] = None
    names: Annotated[Optional[dict[str, str]], Field(description="Names for contacts, by language.")] = None
    order: Annotated[int, Field(description="The place within the group; smaller numbers come first.")] = 0

    @property
    def key(self) -> str:
        return f"label:{self.label_id}"


@contract
class FieldChanged(CatalogEvent):
    """A field of the account's contacts: a fixed `field_key` and a name to show."""

    name: ClassVar[str] = "FieldChanged"
    topic: ClassVar[str] = "labeling.catalog"

    field_key: Annotated[str, Field(description="The key of the field, which is fixed.", examples=["size"])]
    field_name: Annotated[str, Field(description="The name that people see.", examples=["Size of the dog"])]
    field_type: Annotated[FieldType, Field(description="What the values are.", examples=["choice"])]
    choices: Annotated[
        tuple[str, ...], Field(description="The values of a field of type `choice`.", examples=[["small", "large"]])
    ] = ()
    state: Annotated[Literal["active", "deleted"], Field(description="Whether the field was deleted.")] = "active"

    @property
    def key(self) -> str:
        return f"field:{self.account_id}/{self.field_key}"


@contract
class ApiKeyChanged(CatalogEvent):
    """An API key, by the SHA-256 of its text (hexadecimal); internal."""

    name: ClassVar[str] = "ApiKeyChanged"
    topic: ClassVar[str] = "labeling.keys"

    key_id: UUID
    hash: Annotated[
        str,
        Field(
            description="The SHA-256 of the key's text, hexadecimal.",
            examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        ),
    ]
    scopes: tuple[Scope, ...]
    revoked: bool

    @property
    def key(self) -> str:
        return f"key:{self.key_id}"
