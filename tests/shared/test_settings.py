"""Settings are read once, cannot be changed, and show no secret."""

from socket import gethostname

import pytest
from pydantic import SecretStr, ValidationError

from shared.settings import CommonSettings, Port, problems_of


class ThingsSettings(CommonSettings):
    """The settings of a service."""

    things_database: SecretStr
    things_port: Port = 8199


def test_a_service_reads_its_own_and_the_common_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENCHANT_KAFKA", "kafka-1:9092,kafka-2:9092")
    monkeypatch.setenv("PENCHANT_PARTITIONS", "24")
    monkeypatch.setenv("PENCHANT_HOST", "")
    monkeypatch.setenv("PENCHANT_THINGS_DATABASE", "postgresql://things:secret@db/things")
    monkeypatch.setenv("PENCHANT_OTHER_DATABASE", "postgresql://other")
    settings = ThingsSettings()
    assert settings.kafka == "kafka-1:9092,kafka-2:9092"
    assert settings.partitions == 24
    assert settings.host == "127.0.0.1"
    assert settings.things_port == 8199
    assert settings.things_database.get_secret_value() == "postgresql://things:secret@db/things"
    assert "secret" not in repr(settings)
    with pytest.raises(ValidationError, match="frozen"):
        settings.host = "localhost"  # type: ignore[misc] # mypy reports it too


def test_missing_and_invalid_settings_are_named_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError) as missing:
        ThingsSettings()
    assert problems_of(missing.value) == "PENCHANT_THINGS_DATABASE: is not set, and has no default"
    monkeypatch.setenv("PENCHANT_THINGS_DATABASE", "x")
    monkeypatch.setenv("PENCHANT_KAFKA_SASL_MECHANISM", "hush-hush")
    with pytest.raises(ValidationError) as wrong:
        ThingsSettings()
    assert problems_of(wrong.value).startswith("PENCHANT_KAFKA_SASL_MECHANISM: Input should be 'PLAIN'")
    assert "hush-hush" not in problems_of(wrong.value)


def test_the_instance_name_is_configured_or_made_of_host_name_and_port() -> None:
    assert CommonSettings(instance="labeling-7").instance_name(8102) == "labeling-7"
    everywhere = CommonSettings(host="0.0.0.0")  # noqa: S104 - as in every container
    assert everywhere.instance_name(8102) == f"{gethostname()}:8102"
    assert everywhere.instance_name(0) != CommonSettings(instance="other").instance_name(0)
