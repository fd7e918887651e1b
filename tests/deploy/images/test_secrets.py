"""Secrets are made once, one folder for each service, in the form in which settings read them."""

from pathlib import Path

import pytest

from deploy.images.secrets import make_secrets
from services.tracking.settings import TrackingSettings


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    made = make_secrets(tmp_path, "db")
    texts = {path: path.read_text() for path in made}
    assert make_secrets(tmp_path, "elsewhere") == []
    assert {path: path.read_text() for path in made} == texts


def test_a_service_has_its_own_secrets_only(tmp_path: Path) -> None:
    make_secrets(tmp_path, "db")
    assert _names(tmp_path / "workflow") == ["penchant_operator_key", "penchant_workflow_database"]
    assert "penchant_operator_key" not in _names(tmp_path / "delivery")


def test_settings_read_secrets_from_the_folder_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_secrets(tmp_path, "db")
    monkeypatch.setenv("PENCHANT_SECRETS_FOLDER", str(tmp_path / "tracking"))
    settings = TrackingSettings()
    assert settings.tracking_database.get_secret_value().startswith("postgresql://tracking:")
    assert settings.token_keys() is not None
    monkeypatch.setenv("PENCHANT_TRACKING_DATABASE", "postgresql://other")
    assert TrackingSettings().tracking_database.get_secret_value() == "postgresql://other"
