"""Models that several endpoints share."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.labeling.domain.labels import Label
from services.labeling.store.contacts import StoredContact
from shared.events.labeling import Scalar, Subscription, TrackingConsent
from shared.http.bodies import RequestBody

Reference = Annotated[str | None, Field(max_length=200, description="The list, form or other source, for people.")]


class OriginBody(RequestBody):
    """The origin of an assignment or removal; `api` unless given, `manual` for a person."""

    kind: Annotated[
        Literal["api", "manual", "self"],
        Field(
            description="`manual` for a decision of a person, `self` for a decision of the contact, otherwise `api`.",
            examples=["manual"],
        ),
    ]
    ref: Annotated[Reference, Field(examples=["Spring fair"])] = None


class ContactBody(RequestBody):
    """Members of a contact. Null clears a member; absent members stay unchanged."""

    email: Annotated[
        str | None, Field(max_length=320, description="The e-mail address.", examples=["anna@example.com"])
    ] = None
    external_id: Annotated[str | None, Field(max_length=200, description="The contact's id in another system.")] = None
    fields: Annotated[
        dict[str, Scalar | None] | None,
        Field(description="Values by key; null clears one.", examples=[{"city": "Ghent"}]),
    ] = None
    subscription: Subscription | None = None
    tracking_consent: TrackingConsent | None = None
    source: Annotated[str | None, Field(max_length=100, description="Where the contact was acquired.")] = None
    language: Annotated[str | None, Field(max_length=100)] = None

    def patch(self) -> dict[str, Any]:
        """Return the members in the request, as a merge patch."""
        return self.model_dump(exclude_unset=True, exclude={"labels"})


class ContactAnswer(BaseModel):
    """A contact."""

    id: Annotated[int, Field(description="The id of the contact.", examples=[1042])]
    contact_id: Annotated[int, Field(description="The same as `id`; the name that events use.", examples=[1042])]
    external_id: str | None
    email: str | None
    fields: Annotated[
        dict[str, Scalar],
        Field(
            description="Values of fields by key; a field without a value is missing.",
            examples=[{"city": "Ghent", "pets": 2}],
        ),
    ]
    state: Annotated[Literal["active"], Field(description="Always `active`: erased contacts are not found.")] = "active"
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

    id: Annotated[UUID, Field(description="The id of the label.", examples=["0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a"])]
    label_id: Annotated[UUID, Field(description="The same as `id`; the name that events use.")]
    name: Annotated[str, Field(description="The name of the label.", examples=["Dogs"])]
    description: Annotated[
        str,
        Field(
            description="What the label is for; empty if nothing was written.",
            examples=["Clicked on something about dogs"],
        ),
    ]
    visibility: Literal["public", "private"]
    aliases: Annotated[
        list[str], Field(description="Former names; imports recognise the label by them.", examples=[["Puppies"]])
    ]
    state: Annotated[
        Literal["active", "hidden", "merging", "merged", "deleted"],
        Field(
            description="`hidden`: it is not offered for new uses. `merging`: it is being merged into another label.",
            examples=["active"],
        ),
    ]
    merged_into: Annotated[UUID | None, Field(description="The label that it was merged into.")]
    group: Annotated[str | None, Field(description="Heading on the preference page.", examples=["Animals"])]
    names: Annotated[dict[str, str], Field(description="Names for contacts, by language.", examples=[{"nl": "Honden"}])]
    order: Annotated[int, Field(description="Place within the group; smaller numbers come first.", examples=[0])]
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
