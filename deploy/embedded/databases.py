"""A database and a role for each service, on the embedded PostgreSQL."""

from collections.abc import Mapping

import asyncpg


async def ensure_databases(superuser_dsn: str, passwords: Mapping[str, str]) -> list[str]:
    """Create missing roles and databases that `passwords` names; return the names of new databases.

    Each role owns its own database and cannot connect to the others'.
    """
    connection = await asyncpg.connect(superuser_dsn)
    try:
        roles = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
        databases = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        for name, password in passwords.items():
            verb = "ALTER" if name in roles else "CREATE"
            await connection.execute(f"{verb} ROLE {name} LOGIN PASSWORD '{password}'")
            if name not in databases:
                await connection.execute(f"CREATE DATABASE {name} OWNER {name}")
            await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    finally:
        await connection.close()
    return [name for name in passwords if name not in databases]
