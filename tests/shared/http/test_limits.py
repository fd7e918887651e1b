"""An account with too many requests gets 429, and other accounts are not affected."""

from contextlib import suppress

import pytest

from shared.http import limits
from shared.http.limits import RequestLimit
from shared.http.problems import Problem
from tests.shared.http.serving import Keys, make_app, serving


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _allowed(limit: RequestLimit, account_id: int, attempts: int) -> int:
    taken = 0
    for _ in range(attempts):
        with suppress(Problem):
            limit.take(account_id)
            taken += 1
    return taken


def test_the_limit_allows_a_burst_of_one_second_and_refills_over_time() -> None:
    clock = Clock()
    limit = RequestLimit(10, clock)
    assert _allowed(limit, 1, 25) == 10
    clock.now += 0.5
    assert _allowed(limit, 1, 25) == 5
    clock.now += 60
    assert _allowed(limit, 1, 25) == 10


def test_each_account_has_its_own_limit() -> None:
    limit = RequestLimit(10, Clock())
    assert _allowed(limit, 1, 25) == 10
    assert _allowed(limit, 2, 25) == 10


def test_without_a_limit_all_requests_are_allowed() -> None:
    assert _allowed(RequestLimit(None), 1, 5_000) == 5_000


def test_full_buckets_are_dropped_and_accounts_over_the_limit_stay_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_BUCKETS", 100)
    clock = Clock()
    limit = RequestLimit(2, clock)
    for account_id in range(1, 101):
        limit.take(account_id)
    clock.now += 2
    assert _allowed(limit, 500, 3) == 2
    limit.take(501)
    assert len(limit._buckets) == 2
    assert _allowed(limit, 500, 1) == 0


@pytest.mark.asyncio
async def test_requests_over_the_limit_get_429_with_retry_after() -> None:
    keys = Keys()
    app = make_app(keys, requests_per_second=3)
    async with serving(app, key=keys.make("read")) as client:
        answers = [await client.get("/v1/things") for _ in range(20)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert answers[0].status_code == 200
        assert refused
        assert refused[0].headers["retry-after"] == "1"
        assert refused[0].headers["content-type"] == "application/problem+json"
        other = await client.get("/v1/things", headers={"Authorization": f"Bearer {keys.make('read', account_id=2)}"})
        assert other.status_code == 200
