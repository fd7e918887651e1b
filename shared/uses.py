"""The users of a thing, because of which deleting it is refused unless forced."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Use:
    """One user of a thing. `kind` is open: `link`, `segment`, `workflow`, `block`, `campaign`, `form`, …"""

    kind: str
    id: str
    name: str


class InUseError(Exception):
    """A thing cannot be deleted because it is in use; `thing` names its kind, such as `label`."""

    def __init__(self, thing: str, uses: Sequence[Use]) -> None:
        super().__init__(f"The {thing} is in use.")
        self.thing = thing
        self.uses = tuple(uses)
