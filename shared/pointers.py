"""JSON pointers (RFC 6901)."""

from collections.abc import Iterable


def pointer_of(parts: Iterable[str | int]) -> str:
    """Return the pointer made of `parts`; empty for the whole value."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def deeper(pointer: str, name: str | int) -> str:
    """Return `pointer` extended by one part."""
    return pointer + pointer_of((name,))
