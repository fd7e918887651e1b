"""Settings that all services have in common. Each service adds its own in its `settings.py`."""

import os
from os import getpid
from pathlib import Path
from socket import gethostname
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

Port = Annotated[int, Field(ge=0, le=65535)]  # 0: any free port


PREFIX = "PENCHANT_"


def problems_of(error: ValidationError) -> str:
    """Return the problems of the environment: one line for each variable, without its value."""
    return "\n".join(
        f"{PREFIX}{'_'.join(str(part) for part in problem['loc']).upper()}: {_detail(problem['type'], problem['msg'])}"
        for problem in error.errors(include_input=False, include_url=False)
    )


def _detail(kind: str, message: str) -> str:
    return "is not set, and has no default" if kind == "missing" else message


class CommonSettings(BaseSettings):
    """The common settings, read once from `PENCHANT_…` and never changed.

    A service subclasses this with a database DSN (`tracking_database: SecretStr`), a port (`tracking_port: Port =
    8101`) and its other settings. The docstring below a setting is its entry in the reference. DSNs, passwords and keys
    are `SecretStr`: printing settings shows none of them. A setting that is missing or wrong raises
    `pydantic.ValidationError`, which names it.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",  # the environment also has variables of other services
        frozen=True,
        use_attribute_docstrings=True,  # descriptions of settings, for docs/reference/settings.md
        hide_input_in_errors=True,  # a malformed DSN must not end up, with its password, in a log
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment, then files in PENCHANT_SECRETS_FOLDER: one for each secret, named like its variable."""
        folder = os.environ.get(f"{PREFIX}SECRETS_FOLDER")
        files = (SecretsSettingsSource(settings_cls, secrets_dir=folder),) if folder else ()
        return init_settings, env_settings, *files

    kafka: str = "127.0.0.1:9092"
    """Bootstrap servers of Kafka: `host:port,…`."""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """Security protocol of Kafka: `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`."""
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    """`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`, if the protocol uses SASL."""
    kafka_username: str | None = None
    """User name for SASL."""
    kafka_password: SecretStr | None = None
    """Password for SASL."""
    kafka_ca_file: Path | None = None
    """PEM file of the authority that signed Kafka's certificate. Unless set, the system's authorities are trusted."""
    kafka_session_timeout: Annotated[int, Field(ge=6, le=1800)] = 45
    """Seconds until the partitions of a silent worker move to another one."""
    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$")] = ""
    """Prefix of the name of every topic, so that several installations can share a cluster."""
    topic_replication: Annotated[int, Field(ge=1, le=10)] | None = None
    """Replication factor of new topics. Unless set, the broker's default."""

    partitions: Annotated[int, Field(ge=1, le=1024)] = 12
    """Partitions of each contact topic. Fixed once the topics exist."""

    host: str = "127.0.0.1"
    """Address on which the service listens."""
    instance: Annotated[str, Field(max_length=100)] | None = None
    """Name of this process among the others of its service. Unless set, the host's name and the port."""
    public_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] = "http://127.0.0.1:8101"
    """Base URL of the tracked links."""
    trusted_proxies: str = ""
    """Addresses or networks, separated by commas, whose `X-Forwarded-For` is trusted."""
    home: Path = Path(".penchant")
    """Folder for the spool of the redirect and for the data of the embedded stack."""

    requests_per_second: Annotated[int, Field(ge=1)] = 1_000
    """Requests that an account may make per second in each process; further requests are answered with 429."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """`debug`, `info`, `warning` or `error`."""
    otlp_endpoint: str | None = None
    """Base URL of an OTLP/HTTP collector. Unless set, tracing is off."""
    operator_key: SecretStr | None = None
    """The operator's key, which creates accounts over HTTP. Unless set, nobody can create accounts."""

    def instance_name(self, port: int) -> str:
        """Return the name that identifies this process within its service, given the port that it listens on.

        It does not depend on the address: in containers every process listens on the same one.
        """
        if self.instance is not None:
            return self.instance
        return f"{gethostname()}:{port or f'pid{getpid()}'}"

    @property
    def listens_everywhere(self) -> bool:
        """Return whether `host` means all addresses, and so cannot be used by other processes to connect."""
        return self.host in ("0.0.0.0", "::")  # noqa: S104 - compared, not listened on
