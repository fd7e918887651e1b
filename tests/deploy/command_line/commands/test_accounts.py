"""The commands `account` and `key`."""

import json

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from deploy.command_line.app import app
from deploy.command_line.settings import CommandLineSettings
from tests.deploy.command_line.serving import Answer, Request, served


def test_an_account_is_created_with_the_operator_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: Request) -> Answer:
        assert request == Request("POST", "/v1/accounts", {"name": "Paws", "time_zone": "Europe/Brussels"})
        return Answer(201, {"account_id": 7, "api_key": "pk"})

    with served(answer) as settings:
        operator = settings.model_copy(update={"operator_key": SecretStr("operator")})
        monkeypatch.setattr(CommandLineSettings, "read", lambda: operator)
        result = CliRunner().invoke(app, ["account", "create", "Paws", "--time-zone", "Europe/Brussels", "--json"])

    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"account_id": 7, "api_key": "pk"}


def test_accounts_are_listed_and_deleted_by_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    deleted: list[str] = []

    def account(account_id: int, state: str) -> dict[str, object]:
        return {
            "account_id": account_id, "name": f"Demo {account_id}", "time_zone": "UTC", "state": state,
            "created_at": "2026-11-25T10:00:00Z",
        }  # fmt: skip

    def answer(request: Request) -> Answer:
        if request.method == "DELETE":
            deleted.append(request.path)
            return Answer(202, account(1, "deleted"))
        return Answer(200, {"items": [account(1, "active"), account(2, "deleted")], "next_cursor": None})

    with served(answer) as settings:
        operator = settings.model_copy(update={"operator_key": SecretStr("operator")})
        monkeypatch.setattr(CommandLineSettings, "read", lambda: operator)
        listed = CliRunner().invoke(app, ["account", "list", "--json"])
        every = CliRunner().invoke(app, ["account", "list", "--all"])
        refused = CliRunner().invoke(app, ["account", "delete", "1"], input="n\n")
        assert deleted == []
        removed = CliRunner().invoke(app, ["account", "delete", "1", "--yes"])
        unknown = CliRunner().invoke(app, ["account", "delete", "2", "--yes"])
    assert [json.loads(line)["account_id"] for line in listed.stdout.splitlines()] == [1]
    assert "Demo 2" in every.stdout
    assert (refused.exit_code, removed.exit_code, unknown.exit_code) == (1, 0, 1)
    assert deleted == ["/v1/accounts/1"]


def test_creating_an_account_requires_the_operator_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CommandLineSettings, "read", lambda: CommandLineSettings.model_construct(operator_key=None))

    result = CliRunner().invoke(app, ["account", "create", "Paws"])

    assert result.exit_code == 1
    assert "PENCHANT_OPERATOR_KEY" in result.stderr


def test_a_rejected_request_exits_with_code_4(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(lambda _: Answer(401, {"detail": "unknown key"})) as settings:
        monkeypatch.setattr(CommandLineSettings, "read", lambda: settings)
        result = CliRunner().invoke(app, ["key", "list"])

    assert (result.exit_code, result.stderr.strip()) == (4, "401: unknown key")


def test_keys_are_listed_created_and_revoked(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[Request] = []

    def answer(request: Request) -> Answer:
        requests.append(request)
        if request.method == "POST":
            return Answer(201, {"id": "k1", "key": "pk_1"})
        if request.method == "DELETE":
            return Answer(204)
        return Answer(200, {"items": [{"id": "k1", "name": "site", "scopes": ["read"]}], "next_cursor": None})

    with served(answer) as settings:
        monkeypatch.setattr(CommandLineSettings, "read", lambda: settings)
        created = CliRunner().invoke(app, ["key", "create", "site", "--scope", "read", "--scope", "read"])
        listed = CliRunner().invoke(app, ["key", "list", "--json"])
        revoked = CliRunner().invoke(app, ["key", "revoke", "k1"])

    assert [created.exit_code, listed.exit_code, revoked.exit_code] == [0, 0, 0]
    assert "pk_1" in created.stdout
    assert json.loads(listed.stdout)["scopes"] == ["read"]
    assert requests[0].body == {"name": "site", "scopes": ["read"]}
    assert requests[-1][:2] == ("DELETE", "/v1/keys/k1")
