"""Gives turns to accounts with bulk work, so that one does not delay the others."""

from collections.abc import Collection


class Turns:
    """Remembers the last turn of each account."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}

    def take(self, accounts: Collection[int]) -> int:
        """Return the account (of at least one) that has waited longest, and count this as its turn.

        An account that is not among them has no work, and comes first when it has some again.
        """
        latest = max(self._last.values(), default=0)
        self._last = {account: turn for account, turn in self._last.items() if account in accounts}
        chosen = min(accounts, key=lambda account: (self._last.get(account, 0), account))
        self._last[chosen] = latest + 1
        return chosen
