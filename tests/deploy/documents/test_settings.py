"""The reference describes every setting."""

import pytest

from deploy.documents.settings import CLASSES, own_fields, settings_text
from shared.settings import CommonSettings


@pytest.mark.parametrize("settings", CLASSES.values())
def test_every_setting_has_a_description(settings: type[CommonSettings]) -> None:
    undescribed = [name for name, field in own_fields(settings).items() if not field.description]

    assert undescribed == []


def test_the_page_lists_variables_descriptions_and_defaults() -> None:
    page = settings_text()

    assert "| `PENCHANT_TRACKING_PORT` | Port of the API. | `8101` |" in page
    assert "| `PENCHANT_TRACKING_DATABASE` | DSN of the database:" in page
    assert (
        "| `PENCHANT_SMTP` | Mail server: `smtp://user:password@host:587`, or `smtps://…`. | `smtp://127.0.0.1:1025` |"
        in page
    )
