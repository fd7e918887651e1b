"""The meaning of a mail server's replies."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Ending = Literal["sent", "bounced", "refused", "skipped", "uncertain"]

FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=1)
_NO_SUCH_ADDRESS = re.compile(r"(?:^|[\s(<])5\.1\.\d{1,3}(?:$|[\s)>:;,.])")  # RFC 3463, section 3.2


@dataclass(frozen=True, slots=True)
class Refusal:
    """A permanent or temporary refusal by the server.

    `text` may contain the address: it is stored but never published.
    """

    code: int
    text: str

    @property
    def is_permanent(self) -> bool:
        """Whether the refusal is permanent (RFC 5321, section 4.2.1)."""
        return 500 <= self.code < 600

    @property
    def ending(self) -> Ending:
        """Return the outcome of a permanently refused mail: it is a bounce only if the address does not exist."""
        return "bounced" if _NO_SUCH_ADDRESS.search(self.text) else "refused"


def retry_after(attempts: int, jitter: float) -> timedelta:
    """Return the delay after `attempts` attempts: it doubles, up to an hour. `jitter`, in [0, 1), shortens it."""
    doubled: timedelta = FIRST_RETRY * (1 << min(attempts - 1, 20))
    return min(doubled, LONGEST_RETRY) * (0.5 + jitter / 2)
