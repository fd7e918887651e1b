"""Pages for contacts: preferences, unsubscribing, their own data, forms. Without scripts and cookies."""

from services.labeling.api.pages import access, forms, preferences, unsubscribing
from services.labeling.api.routing import Router

# The most specific paths first.
PAGES: tuple[Router, ...] = (access.router, preferences.router, unsubscribing.router, forms.router)
