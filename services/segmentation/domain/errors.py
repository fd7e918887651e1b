"""Why a use case refuses; the API makes problems of these."""

from collections.abc import Sequence
from dataclasses import dataclass


class Refusal(Exception):
    """Something that the caller asked for is not possible; the text says why."""


class NotFound(Refusal):
    """The account has no such thing."""


class LimitReached(Refusal):
    """The account has as many of these as it may have."""


class Conflict(Refusal):
    """The thing is not in a state in which this is possible."""


class SlicesUnavailable(Refusal):
    """No process serves part of the contacts at the moment."""


@dataclass(frozen=True, slots=True)
class Use:
    """Something that uses a thing: what kind of thing it is, its id and its name."""

    kind: str
    id: str
    name: str


class InUse(Refusal):
    """Other things use it; `uses` says which."""

    def __init__(self, what: str, uses: Sequence[Use]) -> None:
        super().__init__(f"{what} is in use.")
        self.uses = tuple(uses)
