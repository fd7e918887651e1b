"""Names of pages and roles, in the language of the request."""

from collections.abc import Iterator, Mapping

from services.console.api.languages import _
from services.console.apis.features import Features


class RoleNames(Mapping[str, str]):
    """The names of roles on pages, by role."""

    def __getitem__(self, role: str) -> str:
        names = {"read": _("Reader"), "write": _("Editor"), "admin": _("Administrator")}
        return names[role]

    def __iter__(self) -> Iterator[str]:
        return iter(("read", "write", "admin"))

    def __len__(self) -> int:
        return 3


ROLE_NAMES = RoleNames()


def extra_pages(features: Features) -> list[tuple[str, str]]:
    """Return the paths and names of the pages after those about labels, without those that the APIs do not support."""
    pages = [
        ("campaigns", _("Campaigns"), features.has("segmentation", "/v1/campaigns")),
        ("forms", _("Forms"), features.has("labeling", "/v1/forms")),
        ("imports", _("Imports"), features.has("labeling", "/v1/imports")),
        ("exports", _("Exports"), features.has("labeling", "/v1/exports")),
    ]
    return [(path, name) for path, name, is_supported in pages if is_supported]
