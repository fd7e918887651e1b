"""Whose turn it is: accounts that have much to do take turns, so that one does not hold up the others."""

from collections.abc import Collection


class Turns:
    """Remembers which account had its turn when."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}

    def take(self, accounts: Collection[int]) -> int:
        """Return the one of the accounts, at least one, that has waited longest; it has had its turn then.

        An account that is not among them has nothing to do, and comes first when it has again.
        """
        latest = max(self._last.values(), default=0)
        self._last = {account: turn for account, turn in self._last.items() if account in accounts}
        chosen = min(accounts, key=lambda account: (self._last.get(account, 0), account))
        self._last[chosen] = latest + 1
        return chosen
