"""The commands of the tutorials work as written."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.scene import Account, Scene

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "docs" / "tutorials"


def commands_of(name: str) -> str:
    """Return the shell commands of all code blocks of a tutorial."""
    text = (TUTORIALS / name).read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


def run(commands: str, environment: Mapping[str, str], folder: Path, within: float) -> str:
    """Run commands in a shell that stops at the first failure; return what they print."""
    script = f"set -eo pipefail\n{commands}"
    # `environment` replaces the output of `penchant env`, which needs a running stack.
    script = script.replace('eval "$(.venv/bin/penchant env)"', "")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ("/usr/bin/env", "bash", "-c", script),
        env={"PATH": path, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=within,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
    return ran.stdout


@pytest.mark.timeout(540)
def test_the_first_campaign_tutorial_sends_personal_content(
    scene: Scene, command_line_environment: dict[str, str], inbox: Path, tmp_path: Path
) -> None:
    with Account.open(scene, "Tutorial") as account:
        before = set(inbox.glob("*.eml"))
        printed = run(
            commands_of("first-campaign.md"),
            command_line_environment | {"PENCHANT_API_KEY": account.key},
            tmp_path,
            500,
        )
        (campaign,) = account.get("segmentation", "/v1/campaigns")["items"]
        found = account.get("segmentation", f"/v1/campaigns/{campaign['id']}")
        counts = found["counts"]
        assert counts["audience"] + counts["held_out"] == 2500
        assert counts["requested"] == counts["audience"]
        assert counts["held_out"] > 1000
        report = account.get("segmentation", f"/v1/campaigns/{campaign['id']}/report")
        assert report["sent"]["count"] == counts["requested"]
        assert report["clicked"]["count"] == 100
        assert [(one["name"], one["gained"]) for one in report["labels"]] == [("New arrivals", 100)]
        assert {one["variant"] for one in report["variants"] if one["requested"]} == {"dogs", "cats"}
        assert sum(one["clicked"] for one in report["variants"]) == 100
        lift = report["lift"]
        assert lift["clicked"]["held_out"] == 0
        assert lift["clicked"]["lowest"] > 0
        assert lift["labels"][0]["lowest"] > 0
        arrived = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in inbox.glob("*.eml")]
        assert len(before) < 1000
        _check_content([mail for mail in arrived if str(mail["Subject"]).startswith("New for you, Sam")])
        explained: list[dict[str, Any]] = [json.loads(line) for line in _objects(printed) if '"why"' in line]
        assert any("hero" in item["why"] for one in explained for item in one.get("items", []))


def _objects(printed: str) -> list[str]:
    """Return the JSON objects in the output; answers need not end with a line break."""
    decoder, found = json.JSONDecoder(), []
    place = printed.find("{")
    while place >= 0:
        try:
            _, end = decoder.raw_decode(printed, place)
        except ValueError:
            end = place + 1
        else:
            found.append(printed[place:end])
        place = printed.find("{", end)
    return found


def _check_content(mails: list[Any]) -> None:
    """Check that each mail has the customer's name and animal: dogs for 0, 8, 16, …; cats for 4, 12, 20, …"""
    assert len(mails) >= 100
    for mail in mails:
        number = int(str(mail["To"]).removeprefix("customer").partition("@")[0])
        html = mail.get_body(("html",)).get_content()
        assert mail["Subject"] == f"New for you, Sam{number}"
        assert f"Hello Sam{number}," in html
        assert ("A basket for your dog" in html) is (number % 8 == 0)
        assert ("A tree for your cat" in html) is (number % 8 == 4)
        assert "All that is new" not in html
