"""All routers of the console."""

from services.console.api import contact, contacts, home, labels, sign_in
from shared.http.routing import Router

ROUTERS: tuple[Router, ...] = (
    sign_in.router,
    sign_in.programs,
    home.router,
    labels.router,
    contacts.router,
    contact.router,
)
