"""Errors of the domain. The API maps each to a problem."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID


class MessageNotFound(Exception):
    """The account has no such message."""


class ContactNotFound(Exception):
    """The account has no such contact, or it was erased."""


class LinksNotFound(Exception):
    """The message has no such links."""

    def __init__(self, link_ids: Sequence[UUID]) -> None:
        super().__init__("the message has no such link")
        self.link_ids = link_ids


class UnusableLabel(NamedTuple):
    """A label that a link cannot get, with the reason: the member of the request, and the index of the label in it."""

    member: str
    place: int
    detail: str


class LabelsNotUsable(Exception):
    """Some labels do not exist, or were merged into others."""

    def __init__(self, labels: Sequence[UnusableLabel]) -> None:
        super().__init__("not every label can be used")
        self.labels = labels


class CatalogOutOfDate(Exception):
    """The catalog could not be read to its end in time, so it is unknown whether something exists."""


class LimitReached(Exception):
    """The account or the message has reached a limit. `pointer` is the member that exceeds it."""

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.pointer = pointer


class SenderNotFound(Exception):
    """The account has no such sender."""


class DomainNotAllowed(Exception):
    """The account may not send mails from the domain of the address."""


class TargetNotUsable(Exception):
    """A click cannot be redirected to the URL; the reason is one of `services.tracking.domain.targets.Reason`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LinkNotTrackable(TargetNotUsable):
    """The link can never be tracked; the reason cannot be overridden."""


class BlockNotFound(Exception):
    """The newest revision has no such block."""


class InvalidVariants(Exception):
    """The variants of a block, or their criteria, are not valid; each fault has a pointer into the request."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("the variants are not valid")
        self.faults = faults
