"""The command `clicks replay`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.command_line import click_outcome
from deploy.command_line.app import app
from deploy.command_line.settings import CommandLineSettings
from tests.deploy.command_line.serving import Answer, Request, served

REPORT = {"contact_id": 1, "message_id": "m", "url": "u", "occurred_at": "t"}


class Tracking:
    """Store reports by id, as tracking does, and refuse those whose url is "bad".

    Clicks on "new" remain waiting, and clicks on "gone" are never recorded.
    """

    def __init__(self, limit: int = 1000) -> None:
        self.reports: dict[str, Any] = {}
        self.batches: list[int] = []
        self.limit = limit
        self.fails_after = 10**9
        self.lookups = 0

    def _state(self, report_id: str) -> str:
        states = {"new": "waiting", "gone": "unknown"}
        return states.get(self.reports[report_id].get("url"), "recorded" if self.lookups > 1 else "unknown")

    def __call__(self, request: Request) -> Answer:
        if (request.method, request.path) == ("GET", "/v1/account"):
            return Answer(200, {"account_id": 7})
        if request.path == "/v1/clicks/lookup":
            self.lookups += 1
            return Answer(200, {"items": [{"id": one, "state": self._state(one)} for one in request.body["ids"]]})
        if request.path.startswith("/v1/messages/m/links"):
            return Answer(200, {"items": [{"id": "l1", "url": "https://shop.example/?a=1"}], "next_cursor": None})
        if request.path.startswith("/v1/messages/"):
            return Answer(404, {"detail": "There is no such message."})
        assert (request.method, request.path) == ("POST", "/v1/clicks")
        self.fails_after -= 1
        if self.fails_after < 0:
            return Answer(403, {"detail": "the key was revoked"})
        if len(request.body) > self.limit:
            return Answer(413, {"detail": "too large"})
        self.batches.append(len(request.body))
        errors = [
            {"index": index, "code": "unknown_link", "pointer": f"/{index}/url", "detail": "no such link"}
            for index, report in enumerate(request.body)
            if report.get("url") == "bad"
        ]
        accepted = [report for report in request.body if report.get("url") != "bad"]
        self.reports.update({report["id"]: report for report in accepted})
        if not accepted:
            return Answer(422, {"detail": "nothing was taken", "errors": errors})
        return Answer(202, {"accepted": len(accepted), "errors": errors})


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[int, Any]]:
    def run(tracking: Tracking, reports: list[dict[str, Any]]) -> tuple[int, Any]:
        path = tmp_path / "clicks.ndjson"
        path.write_text("".join(json.dumps(report) + "\n" for report in reports))
        with served(tracking) as settings:
            monkeypatch.setattr(CommandLineSettings, "read", lambda: settings)
            monkeypatch.setattr(click_outcome, "LOOK_EVERY", 0.01)
            monkeypatch.setattr(click_outcome, "PATIENCE", 0.2)
            result = CliRunner().invoke(app, ["clicks", "replay", str(path), "--json"])
        return result.exit_code, json.loads(result.stdout)

    return run


Replay = Callable[..., tuple[int, Any]]


def test_a_file_is_sent_in_batches_of_a_thousand(replay: Replay) -> None:
    tracking = Tracking()

    code, result = replay(tracking, [REPORT | {"contact_id": n} for n in range(2500)])

    assert code == 0
    assert tracking.batches == [1000, 1000, 500]
    assert result == {
        "rows": 2500, "accepted": 2500, "recorded": 2500, "waiting": [], "not_recorded": [], "refused": [],
        "finished": True,
    }  # fmt: skip
    assert len(tracking.reports) == 2500


def test_rows_of_another_account_are_refused(replay: Replay) -> None:
    tracking = Tracking()

    code, result = replay(tracking, [REPORT | {"account_id": 7}, REPORT | {"account_id": 8}, REPORT])

    assert code == 1
    assert (result["rows"], result["accepted"]) == (3, 2)
    detail = "belongs to account 8, but the key belongs to account 7"
    assert result["refused"] == [{"row": 2, "pointer": "", "detail": detail}]
    assert not any("account_id" in report for report in tracking.reports.values())


def test_recorded_waiting_and_unrecorded_clicks_are_reported_separately(replay: Replay) -> None:
    reports = [REPORT | {"url": url, "contact_id": n} for n, url in enumerate(["u", "new", "u", "gone", "bad"], 1)]

    code, result = replay(Tracking(), reports)

    assert code == 1
    assert (result["accepted"], result["recorded"], result["waiting"], result["not_recorded"]) == (4, 2, [2], [4])
    assert [refused["row"] for refused in result["refused"]] == [5]


def test_an_invalid_ip_address_is_refused(replay: Replay) -> None:
    code, result = replay(Tracking(), [REPORT | {"ip": ip} for ip in ("192.0.2.7", "2001:db8::1", "300.1.1.1", "shop")])

    assert (code, result["accepted"]) == (1, 2)
    assert [refused["row"] for refused in result["refused"]] == [3, 4]
    assert result["refused"][0]["detail"] == "300.1.1.1 is not an IP address"


def test_a_url_that_differs_from_the_url_of_the_link_is_refused(replay: Replay) -> None:
    urls = [
        "https://shop.example/?a=1",
        " https://SHOP.example?a=1&amp;utm_source=mail",
        "https://shop.example/?a=2",
        "https://other.example/",
    ]
    rows = [REPORT | {"link_id": "l1", "url": url} for url in urls]
    rows += [REPORT | {"link_id": "unknown", "url": "x"}, REPORT | {"message_id": "other", "link_id": "l1", "url": "x"}]

    _, result = replay(Tracking(), rows)

    assert [refused["row"] for refused in result["refused"]] == [3, 4]
    assert result["refused"][0]["detail"].endswith("but that link leads to https://shop.example/?a=1")


def test_replaying_a_file_again_sends_the_same_ids(replay: Replay) -> None:
    tracking = Tracking()
    reports = [REPORT | {"contact_id": n % 7} for n in range(50)]

    replay(tracking, reports)
    replay(tracking, reports)

    assert len(tracking.reports) == 50


def test_refused_rows_are_reported_with_line_and_reason(replay: Replay) -> None:
    code, result = replay(Tracking(), [REPORT, REPORT | {"url": "bad"}, REPORT])

    assert code == 1
    assert result["accepted"] == 2
    assert result["refused"] == [{"row": 2, "pointer": "/url", "detail": "no such link"}]


def test_continues_after_a_batch_with_no_accepted_click(replay: Replay) -> None:
    bad, good = REPORT | {"url": "bad"}, REPORT

    code, result = replay(Tracking(), [bad] * 1000 + [good])

    assert (code, result["accepted"], len(result["refused"])) == (1, 1, 1000)
    assert result["refused"][-1]["row"] == 1000


def test_a_batch_that_is_too_large_is_split(replay: Replay) -> None:
    tracking = Tracking(limit=300)

    code, result = replay(tracking, [REPORT | {"contact_id": n} for n in range(1000)])

    assert (code, result["accepted"]) == (0, 1000)
    assert len(tracking.reports) == 1000


def test_a_failed_replay_reports_accepted_clicks_and_can_be_repeated(replay: Replay) -> None:
    tracking = Tracking()
    tracking.fails_after = 1
    reports = [REPORT | {"contact_id": n} for n in range(1500)]

    code, result = replay(tracking, reports)

    assert (code, result["accepted"], result["finished"]) == (4, 1000, False)
    tracking.fails_after = 10**9
    assert replay(tracking, reports)[0] == 0
    assert len(tracking.reports) == 1500
