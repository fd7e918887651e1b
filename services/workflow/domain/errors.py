"""Errors of the domain: why something that was asked for cannot be done."""

from uuid import UUID

from shared.criteria import Fault


class InvalidDefinition(Exception):
    """The definition cannot be used; `faults` say why, each with a JSON pointer from the definition's root."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{fault.pointer or '/'}: {fault.detail}" for fault in faults))
        self.faults = faults


class NotFound(Exception):
    """The account has no such workflow, run or contact."""

    def __init__(self, what: str, identity: UUID | int) -> None:
        super().__init__(f"There is no such {what}.")
        self.what = what
        self.identity = identity


class WrongState(Exception):
    """The workflow or run is in a state in which this cannot be done."""


class UnreadableVersion(Exception):
    """A stored version of a workflow is not understood, because a later release wrote it."""


class LimitReached(Exception):
    """The account has as many of something as it may have."""


class TooBusy(Exception):
    """The account has as many requests of this kind at work as it may have at a time."""
