"""A cache of accounts' names and time zones."""

from time import monotonic

from services.console.apis.client import Api, Json

REMEMBERED = 10.0  # seconds


class Accounts:
    """Caches each account for a few seconds, because every page needs it."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[float, Json]] = {}

    async def of(self, account_id: int, api: Api) -> Json:
        """Return the account. Raises ApiProblem, Unreachable."""
        known = self._known.get(account_id)
        if known is not None and monotonic() - known[0] < REMEMBERED:
            return known[1]
        account = await api.get("labeling", "/v1/account")
        self._known[account_id] = (monotonic(), account)
        return account

    def forget(self, account_id: int) -> None:
        """Drop a changed account from the cache."""
        self._known.pop(account_id, None)
