"""Kafka's jars are pinned, and checked by size and hash."""

import hashlib
from pathlib import Path

import pytest

from deploy.embedded.jars import COORDINATES, Jar, cache_folder, read_lock


def test_the_lock_contains_every_requested_jar() -> None:
    wanted = {line for line in COORDINATES.read_text().splitlines() if line and not line.startswith("#")}
    assert wanted <= {jar.coordinate for jar in read_lock()}


def test_the_lock_contains_each_jar_once() -> None:
    names = [jar.coordinate.rsplit(":", 1)[0] for jar in read_lock()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("content", "intact"), [(b"jar!", True), (b"jam!", False), (b"jar", False), (b"jar!!", False)])
def test_a_jar_is_intact_if_its_size_and_hash_match(tmp_path: Path, content: bytes, intact: bool) -> None:
    path = tmp_path / "some.jar"
    path.write_bytes(content)
    jar = Jar("g:a:1", size=4, sha256=hashlib.sha256(b"jar!").hexdigest())
    assert jar.is_intact(path) is intact


def test_a_missing_jar_is_not_intact(tmp_path: Path) -> None:
    assert not Jar("g:a:1", size=0, sha256=hashlib.sha256(b"").hexdigest()).is_intact(tmp_path / "some.jar")


def test_the_cache_folder_follows_xdg_cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "penchant" / "jars"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_folder() == Path.home() / ".cache" / "penchant" / "jars"
