"""Creates the secrets of an installation: `python -m deploy.images.secrets FOLDER`.

Each service has a folder below FOLDER, with one file for each of its secrets, named like its variable
(`PENCHANT_SECRETS_FOLDER`). Passwords and keys are generated once. Secrets that depend on settings (DSNs, passwords of
the operator's own servers) are written again when those settings change.

PENCHANT_POSTGRES is the DSN of a role that may create roles and databases, without its password.
PENCHANT_POSTGRES_PASSWORD_FILE and PENCHANT_KAFKA_PASSWORD_FILE name files with the passwords of the operator's own
servers; an empty file means no password.
"""

import base64
import os
import secrets
import sys
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

from deploy.embedded.services import SERVICES

# The services that receive the operator's key.
WITH_OPERATOR_KEY = ("labeling", "tracking", "segmentation", "workflow", "console")
POSTGRES = "postgresql://postgres@postgres:5432/postgres"


def make_secrets(folder: Path, postgres: str, postgres_password: str = "", kafka_password: str = "") -> list[Path]:
    """Write missing or outdated secrets, and return their paths.

    `postgres` is the administrator's DSN without a password. If `postgres_password` is empty, a password is generated;
    an empty `kafka_password` means that Kafka requires none.
    """
    new = [
        *_write_once(folder / "operator_key", secrets.token_urlsafe(32)),
        *_write_once(folder / "tracking_keys", f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}"),
        *_write_once(folder / "console" / "penchant_console_secret", secrets.token_urlsafe(32)),
        *_administrator(folder, postgres, postgres_password),
    ]
    for service in SERVICES:
        service_folder = folder / service
        new += _write_once(folder / "roles" / service, secrets.token_hex(24))
        dsn = with_role(postgres, service, (folder / "roles" / service).read_text(), database=service)
        new += _write_if_changed(service_folder / f"penchant_{service}_database", dsn)
        if kafka_password or (service_folder / "penchant_kafka_password").exists():
            new += _write_if_changed(service_folder / "penchant_kafka_password", kafka_password)
        if service in WITH_OPERATOR_KEY:
            new += _write_if_changed(service_folder / "penchant_operator_key", (folder / "operator_key").read_text())
        if service in ("tracking", "labeling"):
            new += _write_if_changed(service_folder / "penchant_tracking_keys", (folder / "tracking_keys").read_text())
    return new


def administrator_dsn(folder: Path) -> str:
    """Return the DSN of the role that creates roles and databases."""
    return (folder / "postgres" / "administrator").read_text()


def role_passwords(folder: Path) -> dict[str, str]:
    """Return the password of each service's role."""
    return {service: (folder / "roles" / service).read_text() for service in SERVICES}


def with_role(dsn: str, role: str, password: str, database: str) -> str:
    """Return `dsn` for another role and database, with the same host, port and options."""
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{role}:{quote(password, safe='')}@{host}", path=f"/{database}").geturl()


def _administrator(folder: Path, postgres: str, password: str) -> list[Path]:
    path = folder / "postgres" / "password"
    new = _write_if_changed(path, password) if password else _write_once(path, secrets.token_hex(24))
    parts: SplitResult = urlsplit(postgres)
    dsn = with_role(postgres, parts.username or "postgres", path.read_text(), parts.path.lstrip("/") or "postgres")
    return new + _write_if_changed(folder / "postgres" / "administrator", dsn)


def _write_once(path: Path, value: str) -> list[Path]:
    return [] if path.exists() else _write_if_changed(path, value)


def _write_if_changed(path: Path, value: str) -> list[Path]:
    if path.exists() and path.read_text() == value:
        return []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(value)
    return [path]


def _password_from_file(variable: str) -> str:
    path = os.environ.get(variable)
    return Path(path).read_text().strip() if path else ""


if __name__ == "__main__":
    written = make_secrets(
        Path(sys.argv[1]),
        os.environ.get("PENCHANT_POSTGRES") or POSTGRES,
        _password_from_file("PENCHANT_POSTGRES_PASSWORD_FILE"),
        _password_from_file("PENCHANT_KAFKA_PASSWORD_FILE"),
    )
    sys.stdout.write(f"{len(written)} secrets written\n")
