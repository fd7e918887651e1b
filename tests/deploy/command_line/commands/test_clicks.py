import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.command_line import click_outcome
from deploy.command_line.app import app
from deploy.command_line.settings import CommandLineSettings
from tests.deploy.command_line.serving import Answer, Asked, served

REPORT = {"contact_id": 1, "message_id": "m", "url": "u", "occurred_at": "t"}


class Tracking:
    """Keeps ids, as tracking does; refuses rows whose url is "bad".

    Clicks on "new" wait for something, those on "gone" are never recorded.
    """

    def __init__(self, limit: int = 1000) -> None:
        self.seen: dict[str, Any] = {}
        self.batches: list[int] = []
        self.limit = limit
        self.fails_after = 10**9
        self.looked_up = 0

    def _state(self, report_id: str) -> str:
        states = {"new": "waiting", "gone": "unknown"}
        return states.get(self.seen[report_id].get("url"), "recorded" if self.looked_up > 1 else "unknown")

    def __call__(self, asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("GET", "/v1/account"):
            return Answer(200, {"account_id": 7})
        if asked.path == "/v1/clicks/lookup":
            self.looked_up += 1
            return Answer(200, {"items": [{"id": one, "state": self._state(one)} for one in asked.body["ids"]]})
        if asked.path.startswith("/v1/messages/m/links"):
            return Answer(200, {"items": [{"id": "l1", "url": "https://shop.example/?a=1"}], "next_cursor": None})
        if asked.path.startswith("/v1/messages/"):
            return Answer(404, {"detail": "There is no such message."})
        assert (asked.method, asked.path) == ("POST", "/v1/clicks")
        self.fails_after -= 1
        if self.fails_after < 0:
            return Answer(403, {"detail": "the key was revoked"})
        if len(asked.body) > self.limit:
            return Answer(413, {"detail": "too large"})
        self.batches.append(len(asked.body))
        errors = [
            {"index": index, "code": "unknown_link", "pointer": f"/{index}/url", "detail": "no such link"}
            for index, report in enumerate(asked.body)
            if report.get("url") == "bad"
        ]
        taken = [report for report in asked.body if report.get("url") != "bad"]
        self.seen.update({report["id"]: report for report in taken})
        if not taken:
            return Answer(422, {"detail": "nothing was taken", "errors": errors})
        return Answer(202, {"accepted": len(taken), "errors": errors})


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


def test_a_file_goes_in_batches_of_a_thousand(replay: Replay) -> None:
    tracking = Tracking()

    code, said = replay(tracking, [REPORT | {"contact_id": n} for n in range(2500)])

    assert code == 0
    assert tracking.batches == [1000, 1000, 500]
    assert said == {
        "rows": 2500, "accepted": 2500, "recorded": 2500, "waiting": [], "not_recorded": [], "refused": [],
        "finished": True,
    }  # fmt: skip
    assert len(tracking.seen) == 2500


def test_rows_as_others_write_them_to_kafka_name_the_keys_account(replay: Replay) -> None:
    tracking = Tracking()

    code, said = replay(tracking, [REPORT | {"account_id": 7}, REPORT | {"account_id": 8}, REPORT])

    assert code == 1
    assert (said["rows"], said["accepted"]) == (3, 2)
    assert said["refused"] == [{"row": 2, "pointer": "", "detail": "is of account 8, and the key is one of account 7"}]
    assert not any("account_id" in report for report in tracking.seen.values())


def test_accepted_clicks_are_told_from_those_that_wait_and_those_that_are_lost(replay: Replay) -> None:
    reports = [REPORT | {"url": url, "contact_id": n} for n, url in enumerate(["u", "new", "u", "gone", "bad"], 1)]

    code, said = replay(Tracking(), reports)

    assert code == 1
    assert (said["accepted"], said["recorded"], said["waiting"], said["not_recorded"]) == (4, 2, [2], [4])
    assert [refused["row"] for refused in said["refused"]] == [5]


def test_a_network_address_that_is_none_is_refused(replay: Replay) -> None:
    code, said = replay(Tracking(), [REPORT | {"ip": ip} for ip in ("192.0.2.7", "2001:db8::1", "300.1.1.1", "shop")])

    assert (code, said["accepted"]) == (1, 2)
    assert [refused["row"] for refused in said["refused"]] == [3, 4]
    assert said["refused"][0]["detail"] == "300.1.1.1 is no IP address"


def test_an_address_that_is_not_the_links_is_refused(replay: Replay) -> None:
    urls = [
        "https://shop.example/?a=1",
        " https://SHOP.example?a=1&amp;utm_source=mail",
        "https://shop.example/?a=2",
        "https://other.example/",
    ]
    rows = [REPORT | {"link_id": "l1", "url": url} for url in urls]
    rows += [REPORT | {"link_id": "unknown", "url": "x"}, REPORT | {"message_id": "other", "link_id": "l1", "url": "x"}]

    _, said = replay(Tracking(), rows)

    assert [refused["row"] for refused in said["refused"]] == [3, 4]
    assert said["refused"][0]["detail"].endswith("and that link leads to https://shop.example/?a=1")


def test_a_file_that_is_replayed_again_says_the_same_clicks(replay: Replay) -> None:
    tracking = Tracking()
    reports = [REPORT | {"contact_id": n % 7} for n in range(50)]

    replay(tracking, reports)
    replay(tracking, reports)

    assert len(tracking.seen) == 50


def test_refused_rows_are_reported_by_their_line_with_the_reason(replay: Replay) -> None:
    code, said = replay(Tracking(), [REPORT, REPORT | {"url": "bad"}, REPORT])

    assert code == 1
    assert said["accepted"] == 2
    assert said["refused"] == [{"row": 2, "pointer": "/url", "detail": "no such link"}]


def test_a_batch_of_which_nothing_is_taken_is_no_reason_to_stop(replay: Replay) -> None:
    bad, good = REPORT | {"url": "bad"}, REPORT

    code, said = replay(Tracking(), [bad] * 1000 + [good])

    assert (code, said["accepted"], len(said["refused"])) == (1, 1, 1000)
    assert said["refused"][-1]["row"] == 1000


def test_a_batch_that_is_too_large_goes_in_halves(replay: Replay) -> None:
    tracking = Tracking(limit=300)

    code, said = replay(tracking, [REPORT | {"contact_id": n} for n in range(1000)])

    assert (code, said["accepted"]) == (0, 1000)
    assert len(tracking.seen) == 1000


def test_what_was_taken_is_said_when_it_breaks_off_half_way(replay: Replay) -> None:
    tracking = Tracking()
    tracking.fails_after = 1
    reports = [REPORT | {"contact_id": n} for n in range(1500)]

    code, said = replay(tracking, reports)

    assert (code, said["accepted"], said["finished"]) == (4, 1000, False)
    tracking.fails_after = 10**9
    assert replay(tracking, reports)[0] == 0
    assert len(tracking.seen) == 1500
