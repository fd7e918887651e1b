"""Makes the secrets of an installation, once: `python -m deploy.images.secrets FOLDER [HOST]`.

Each service gets a folder of its own below FOLDER, with a file for each secret, named like its variable
(`PENCHANT_SECRETS_FOLDER`). Files that exist are left alone. HOST is that of PostgreSQL.
"""

import base64
import secrets
import sys
from pathlib import Path

from deploy.embedded.services import SERVICES
from deploy.images.passwords import POSTGRES_PASSWORD, role_password

OPERATED = ("labeling", "tracking", "segmentation", "workflow", "console")  # services that know the operator's key


def make_secrets(folder: Path, host: str) -> list[Path]:
    """Write what is missing; return the files that are new."""
    shared = {
        "operator_key": _kept(folder / "operator_key", secrets.token_urlsafe(32)),
        "tracking_keys": _kept(folder / "tracking_keys", f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}"),
    }
    new = [_write(folder / POSTGRES_PASSWORD, secrets.token_hex(24))]
    for service in SERVICES:
        password = _kept(role_password(folder, service), secrets.token_hex(24))
        own = folder / service
        dsn = f"postgresql://{service}:{password}@{host}:5432/{service}"
        new.append(_write(own / f"penchant_{service}_database", dsn))
        if service in OPERATED:
            new.append(_write(own / "penchant_operator_key", shared["operator_key"]))
        if service in ("tracking", "labeling"):
            new.append(_write(own / "penchant_tracking_keys", shared["tracking_keys"]))
    new.append(_write(folder / "console" / "penchant_console_secret", secrets.token_urlsafe(32)))
    return [path for path in new if path is not None]


def _kept(path: Path, value: str) -> str:
    _write(path, value)
    return path.read_text()


def _write(path: Path, value: str) -> Path | None:
    if path.exists():
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o644)  # PostgreSQL runs as another user; the volume is mounted by these containers alone
    path.write_text(value)
    return path


if __name__ == "__main__":
    made = make_secrets(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "postgres")
    sys.stdout.write(f"{len(made)} secrets made\n")
