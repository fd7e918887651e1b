"""The settings of an account."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.labeling.domain.accounts import Account, Settings, Utm, patched
from services.labeling.domain.errors import InvalidError

SHOP = Account(1, "Shop", "Europe/Brussels", "active", Settings(), datetime(2026, 1, 1, tzinfo=UTC))


def test_utm_parameters_have_defaults_and_null_removes_them() -> None:
    with_utm = patched(SHOP, {"utm": {"source": "newsletter"}})
    assert with_utm.settings.utm == Utm("newsletter", "email", "{send_id}")
    named = patched(with_utm, {"utm": {"source": "n", "medium": None, "campaign": "{message_name} {send_kind}"}})
    assert named.settings.utm == Utm("n", None, "{message_name} {send_kind}")
    assert patched(named, {"utm": None}) == SHOP


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        ({"source": ""}, "/utm/source"),
        ({"source": " x"}, "/utm/source"),
        ({"source": "{send_id}"}, "/utm/source"),
        ({"source": "x", "medium": ""}, "/utm/medium"),
        ({"source": "x", "campaign": "{contact_id}"}, "/utm/campaign"),
        ({"source": "x", "campaign": "spring\n"}, "/utm/campaign"),
        ({"source": "x", "campaign": "{{send_id}}"}, "/utm/campaign"),
    ],
)
def test_invalid_utm_parameters_are_rejected(rule: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidError) as refused:
        patched(SHOP, {"utm": rule})
    assert refused.value.pointer == pointer
