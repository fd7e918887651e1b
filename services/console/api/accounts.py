"""A cache of accounts' names and time zones."""

from time import monotonic

from services.console.apis.client import Api, Json

CACHED_FOR = 10.0  # seconds


class Accounts:
    """Caches each account for a few seconds, because every page needs it."""

    def __init__(self) -> None:
        self._cached: dict[int, tuple[float, Json]] = {}

    async def of(self, account_id: int, api: Api) -> Json:
        """Return the account, as the API of labeling returns it. Raises ApiProblem, Unreachable."""
        cached = self._cached.get(account_id)
        if cached is not None and monotonic() - cached[0] < CACHED_FOR:
            return cached[1]
        account = await api.get("labeling", "/v1/account")
        self._cached[account_id] = (monotonic(), account)
        return account

    def forget(self, account_id: int) -> None:
        """Drop a changed account from the cache."""
        self._cached.pop(account_id, None)
