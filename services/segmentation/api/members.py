"""Pages of contacts in answers."""

from services.segmentation.api.models import Member
from services.segmentation.use_cases.contact_page import ContactPage
from shared.http.pages import Page, PageRequest


def page_of_members(found: ContactPage, page: PageRequest) -> Page[Member]:
    """Return the page of the contacts that were found."""
    return Page[Member].of(
        found.contact_ids,
        page,
        key=lambda contact_id: (contact_id,),
        item=lambda contact_id: Member(contact_id=contact_id),
        total=found.total,
    )
