"""Where the passwords of PostgreSQL are among the secrets."""

from pathlib import Path

POSTGRES_PASSWORD = "postgres_password"  # noqa: S105 - the name of a file


def role_password(folder: Path, service: str) -> Path:
    """Return the file with the password of a service's role."""
    return folder / "roles" / service
