"""Secrets are generated once, in one folder per service, in the format that the settings read."""

from pathlib import Path

import pytest

from deploy.images.secrets import administrator_dsn, make_secrets
from services.tracking.settings import TrackingSettings

POSTGRES = "postgresql://postgres@db:5432/postgres?sslmode=require"


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_secrets_are_generated_only_once(tmp_path: Path) -> None:
    made = make_secrets(tmp_path, POSTGRES)
    texts = {path: path.read_text() for path in made}
    assert make_secrets(tmp_path, POSTGRES) == []
    assert {path: path.read_text() for path in made} == texts


def test_secrets_are_readable_only_by_their_owner(tmp_path: Path) -> None:
    assert {path.stat().st_mode & 0o077 for path in make_secrets(tmp_path, POSTGRES)} == {0}


def test_a_service_gets_only_its_own_secrets(tmp_path: Path) -> None:
    make_secrets(tmp_path, POSTGRES)
    assert _names(tmp_path / "workflow") == ["penchant_operator_key", "penchant_workflow_database"]
    assert "penchant_operator_key" not in _names(tmp_path / "delivery")


def test_another_server_changes_the_dsns_but_no_passwords(tmp_path: Path) -> None:
    make_secrets(tmp_path, "postgresql://postgres@postgres:5432/postgres")
    role = (tmp_path / "roles" / "workflow").read_text()
    changed = make_secrets(tmp_path, "postgresql://admin@db.example.com/main?sslmode=require", "p@ss/word")
    assert administrator_dsn(tmp_path) == "postgresql://admin:p%40ss%2Fword@db.example.com/main?sslmode=require"
    assert (tmp_path / "workflow" / "penchant_workflow_database").read_text() == (
        f"postgresql://workflow:{role}@db.example.com/workflow?sslmode=require"
    )
    assert tmp_path / "operator_key" not in changed


def test_a_changed_kafka_password_is_written_for_every_service(tmp_path: Path) -> None:
    make_secrets(tmp_path, POSTGRES, kafka_password="first")
    make_secrets(tmp_path, POSTGRES, kafka_password="second")
    assert {path.read_text() for path in tmp_path.glob("*/penchant_kafka_password")} == {"second"}


def test_environment_variables_override_secrets_from_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_secrets(tmp_path, POSTGRES)
    monkeypatch.setenv("PENCHANT_SECRETS_FOLDER", str(tmp_path / "tracking"))
    settings = TrackingSettings()
    assert settings.tracking_database.get_secret_value().startswith("postgresql://tracking:")
    assert settings.token_keys() is not None
    monkeypatch.setenv("PENCHANT_TRACKING_DATABASE", "postgresql://other")
    assert TrackingSettings().tracking_database.get_secret_value() == "postgresql://other"
