"""Generates the reference of settings, docs/reference/settings.md, from the settings classes."""

from collections.abc import Mapping
from typing import get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from services.console.settings import ConsoleSettings
from services.delivery.settings import DeliverySettings
from services.labeling.settings import LabelingSettings
from services.segmentation.settings import SegmentationSettings
from services.tracking.settings import TrackingSettings
from services.workflow.settings import WorkflowSettings
from shared.settings import PREFIX, CommonSettings

CLASSES: Mapping[str, type[CommonSettings]] = {
    "All services": CommonSettings,
    "Tracking": TrackingSettings,
    "Labeling": LabelingSettings,
    "Segmentation": SegmentationSettings,
    "Workflow": WorkflowSettings,
    "Delivery": DeliverySettings,
    "Console": ConsoleSettings,
}
INTRODUCTION = """# Settings

Every service reads its settings from environment variables when it starts. A variable that is empty counts as not set.
A setting can also be a file in the folder that `PENCHANT_SECRETS_FOLDER` names, such as `penchant_tracking_database`;
that is how containers get their secrets. If both are there, the variable wins. A setting that is wrong or missing stops
the service with a line that names it.

`make docs` writes this page from the code.
"""


def settings_text() -> str:
    """Return the page."""
    return "\n".join([INTRODUCTION, *(_section(title, settings) for title, settings in CLASSES.items())])


def own_fields(settings: type[CommonSettings]) -> dict[str, FieldInfo]:
    """Return the fields that a class adds to the common ones, or all of the common ones."""
    common = {} if settings is CommonSettings else CommonSettings.model_fields
    return {name: field for name, field in settings.model_fields.items() if name not in common}


def _section(title: str, settings: type[CommonSettings]) -> str:
    rows = [
        f"| `{PREFIX}{name.upper()}` | {(field.description or '').replace('|', chr(92) + '|')} | {_default(field)} |"
        for name, field in own_fields(settings).items()
    ]
    return "\n".join([f"## {title}", "", "| variable | meaning | default |", "|---|---|---|", *rows, ""])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.default
    if default is None or default == "":
        return ""
    if SecretStr in (field.annotation, *get_args(field.annotation)):
        default = default.get_secret_value()
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
