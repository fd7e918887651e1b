"""Errors of the domain: why a request cannot be carried out."""

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
    """The state of the workflow or run does not allow the operation."""


class UnreadableVersion(Exception):
    """A stored version of a workflow cannot be read, because a later release wrote it."""


class LimitReached(Exception):
    """The account has reached a limit."""


class TooBusy(Exception):
    """The account has reached the limit of concurrent requests of this kind."""
