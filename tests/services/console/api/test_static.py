"""Third-party files match the lock file, and templates comply with the content security policy."""

import base64
import hashlib
import json

from services.console.api.rendering import STATIC

VENDOR = STATIC / "vendor"


def test_vendored_files_match_the_lock_file() -> None:
    locked = json.loads((VENDOR / "vendor.lock.json").read_text(encoding="utf-8"))
    integrity = {entry["file"]: entry["integrity"] for entry in locked}
    present = {path.name for path in VENDOR.iterdir()} - {"vendor.lock.json"}
    assert present == set(integrity)
    for name in present:
        digest = base64.b64encode(hashlib.sha384((VENDOR / name).read_bytes()).digest()).decode()
        assert f"sha384-{digest}" == integrity[name], name


def test_templates_comply_with_the_content_security_policy() -> None:
    for path in (STATIC.parent / "templates").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        for forbidden in (" style=", "<script>", " onclick=", "hx-on", "javascript:", "js:"):
            assert forbidden not in text, f"{path.name}: {forbidden}"
