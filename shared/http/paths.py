"""Paths: an encoded slash is part of a name, as in `external:shop%2F42`.

The server decodes a path before the router splits it, so an encoded slash is replaced by another character until
`name_in_path`.
"""

import re
from urllib.parse import unquote

from starlette.types import Scope

_SLASH_PLACEHOLDER = "\uf02f"  # from Unicode's private use area, so it does not occur in ids
_ENCODED_SLASH = re.compile(rb"%2f", re.IGNORECASE)


def keep_encoded_slashes(scope: Scope) -> Scope:
    """Return the scope of a request with its encoded slashes replaced."""
    parts = _ENCODED_SLASH.split(scope.get("raw_path") or b"")
    if len(parts) == 1:
        return scope
    return {**scope, "path": _SLASH_PLACEHOLDER.join(unquote(part.decode("latin-1")) for part in parts)}


def name_in_path(part: str) -> str:
    """Return a part of the path as the client wrote it, with encoded slashes restored."""
    return part.replace(_SLASH_PLACEHOLDER, "/")
