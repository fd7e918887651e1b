"""Paths: a slash that the client encoded belongs to a name and does not end it, as in `external:shop%2F42`.

The server decodes a whole path before the router splits it, so an encoded slash is kept under another character until
`name_in_path`.
"""

import re
from urllib.parse import unquote

from starlette.types import Scope

_KEPT_SLASH = "\uf02f"  # of Unicode's private use: nobody's ids have it
_ENCODED_SLASH = re.compile(rb"%2f", re.IGNORECASE)


def keep_encoded_slashes(scope: Scope) -> Scope:
    """Return the scope of a request, its encoded slashes kept apart from those that part the path."""
    pieces = _ENCODED_SLASH.split(scope.get("raw_path") or b"")
    if len(pieces) == 1:
        return scope
    return {**scope, "path": _KEPT_SLASH.join(unquote(piece.decode("latin-1")) for piece in pieces)}


def name_in_path(part: str) -> str:
    """Return what a client named in a part of the path."""
    return part.replace(_KEPT_SLASH, "/")
