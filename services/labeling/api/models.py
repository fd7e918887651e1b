"""Shapes that several endpoints share."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.labeling.domain.labels import Label
from services.labeling.store.contacts import StoredContact
from shared.events.labeling import Scalar, Subscription, TrackingConsent
from shared.http.bodies import RequestBody

Reference = Annotated[str | None, Field(max_length=200, description="Which one, for people: a list, a form.")]


class OriginBody(RequestBody):
    """What asserts or removes a label; `api` unless given, `manual` for a person."""

    kind: Literal["api", "manual", "self"]
    ref: Reference = None


class ContactBody(RequestBody):
    """Members of a contact. Null clears; members that are absent stay as they are."""

    email: Annotated[str | None, Field(max_length=320)] = None
    external_id: Annotated[str | None, Field(max_length=200, description="The contact's id in another system.")] = None
    fields: Annotated[dict[str, Scalar | None] | None, Field(description="Values by key; null clears one.")] = None
    subscription: Subscription | None = None
    tracking_consent: TrackingConsent | None = None
    source: Annotated[str | None, Field(max_length=100, description="Where the contact was acquired.")] = None
    language: Annotated[str | None, Field(max_length=100)] = None

    def patch(self) -> dict[str, Any]:
        """Return the members that were given, as a merge patch."""
        return self.model_dump(exclude_unset=True, exclude={"labels"})


class ContactAnswer(BaseModel):
    """A contact."""

    id: int
    contact_id: Annotated[int, Field(description="The same as `id`, as events call it.")]
    external_id: str | None
    email: str | None
    fields: dict[str, Scalar]
    state: Literal["active"] = "active"
    subscription: Subscription
    tracking_consent: TrackingConsent
    source: str | None
    language: str | None
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, stored: StoredContact) -> "ContactAnswer":
        """Return the answer for a contact."""
        contact_id, contact, created_at, changed_at = stored
        return cls(
            id=contact_id,
            contact_id=contact_id,
            external_id=contact.external_id,
            email=contact.email,
            fields=dict(contact.fields),
            subscription=contact.subscription,
            tracking_consent=contact.tracking_consent,
            source=contact.source,
            language=contact.language,
            created_at=created_at,
            changed_at=changed_at,
        )


class LabelAnswer(BaseModel):
    """A label."""

    id: UUID
    label_id: Annotated[UUID, Field(description="The same as `id`, as events call it.")]
    name: str
    description: str
    visibility: Literal["public", "private"]
    aliases: Annotated[list[str], Field(description="Names that it had; imports know it by them.")]
    state: Literal["active", "hidden", "merging", "merged", "deleted"]
    merged_into: Annotated[UUID | None, Field(description="The label that it was merged into.")]
    group: Annotated[str | None, Field(description="Heading on the preference page.")]
    names: Annotated[dict[str, str], Field(description="Names for contacts, by language.")]
    order: Annotated[int, Field(description="Place within the group; smaller numbers come first.")]
    created_at: datetime

    @classmethod
    def of(cls, label: Label) -> "LabelAnswer":
        """Return the answer for a label."""
        return cls(
            id=label.id,
            label_id=label.id,
            name=label.name,
            description=label.description,
            visibility=label.visibility,
            aliases=list(label.aliases),
            state=label.state,
            merged_into=label.merged_into,
            group=label.group,
            names=dict(label.names),
            order=label.order,
            created_at=label.created_at,
        )
