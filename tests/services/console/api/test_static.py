"""Third-party files are those that the lock file names."""

import base64
import hashlib
import json

from services.console.api.rendering import STATIC

VENDOR = STATIC / "vendor"


def test_vendored_files_are_those_of_the_lock() -> None:
    locked = json.loads((VENDOR / "vendor.lock.json").read_text(encoding="utf-8"))
    integrity = {entry["file"]: entry["integrity"] for entry in locked}
    present = {path.name for path in VENDOR.iterdir()} - {"vendor.lock.json"}
    assert present == set(integrity)
    for name in present:
        digest = base64.b64encode(hashlib.sha384((VENDOR / name).read_bytes()).digest()).decode()
        assert f"sha384-{digest}" == integrity[name], name


def test_no_template_needs_what_the_policy_forbids() -> None:
    for path in (STATIC.parent / "templates").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        for forbidden in (" style=", "<script>", " onclick=", "hx-on", "javascript:", "js:"):
            assert forbidden not in text, f"{path.name}: {forbidden}"
