"""Roles of people in an account, each with the scopes of its API keys."""

from typing import Literal, get_args

Role = Literal["read", "write", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)

_SCOPES: dict[Role, tuple[str, ...]] = {
    "read": ("read",),
    "write": ("read", "write"),
    "admin": ("read", "write", "admin"),
}


def scopes_of(role: Role) -> list[str]:
    """Return the scopes of the API key of a person with this role."""
    return list(_SCOPES[role])


def may(role: str, needed: Role) -> bool:
    """Return whether `role` includes `needed`."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)
