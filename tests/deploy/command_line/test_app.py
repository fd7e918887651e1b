"""The command `penchant` itself."""

from importlib.metadata import version

from typer.testing import CliRunner

from deploy.command_line.app import app


def test_the_version_option_prints_the_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout.strip()) == (0, f"penchant {version('penchant')}")
