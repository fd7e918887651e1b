"""Pages of contacts in answers."""

from services.segmentation.api.models import Member
from services.segmentation.use_cases.contact_page import ContactPage
from shared.http.pages import Page, PageRequest


def page_of_members(contacts: ContactPage, page: PageRequest) -> Page[Member]:
    """Return the answer to a request for a page of contacts."""
    return Page[Member].of(
        contacts.contact_ids,
        page,
        key=lambda contact_id: (contact_id,),
        item=lambda contact_id: Member(contact_id=contact_id),
        total=contacts.total,
    )
