"""Pages for contacts: preferences, unsubscribing, their own data, and forms. They have no scripts and no cookies."""

from services.labeling.api.pages import access, forms, preferences, unsubscribing
from services.labeling.api.routing import Router

# The first route that matches a path is used, so the most specific paths come first.
PAGES: tuple[Router, ...] = (access.router, preferences.router, unsubscribing.router, forms.router)
