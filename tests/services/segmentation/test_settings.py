"""The URL at which other processes reach this one."""

import socket

import pytest
from pydantic import SecretStr

from services.segmentation.settings import SegmentationSettings


@pytest.mark.parametrize(
    ("host", "url", "expected", "in_clear"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:8103", False),
        ("0.0.0.0", None, f"http://{socket.gethostname()}:8103", True),  # noqa: S104 (compared, not bound)
        ("0.0.0.0", "http://segmentation-2.local:80/", "http://segmentation-2.local:80", True),  # noqa: S104
        ("0.0.0.0", "https://segmentation-2.local", "https://segmentation-2.local", False),  # noqa: S104
    ],
)
def test_own_url_and_whether_requests_to_it_are_unencrypted(
    monkeypatch: pytest.MonkeyPatch, host: str, url: str | None, expected: str, in_clear: bool
) -> None:
    for name in ("PENCHANT_SEGMENTATION_URL", "PENCHANT_SEGMENTATION_PORT", "PENCHANT_HOST"):
        monkeypatch.delenv(name, raising=False)
    settings = SegmentationSettings(host=host, segmentation_database=SecretStr("postgresql://"), segmentation_url=url)
    assert settings.own_url == expected
    assert settings.url_is_unencrypted is in_clear
