"""The services that a stack runs."""

from importlib.util import find_spec

SERVICES = ("tracking", "labeling", "segmentation", "workflow")


def present() -> list[str]:
    return [name for name in SERVICES if find_spec(f"services.{name}.__main__")]
