"""The generated secrets of an embedded stack: passwords, signing keys, the first account."""

import base64
import secrets
import uuid

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.embedded.error import StackError
from deploy.embedded.home import Home
from deploy.embedded.private_file import write_private
from deploy.embedded.services import SERVICES


class StackAccount(BaseModel):
    model_config = ConfigDict(frozen=True)

    account_id: int
    api_key: str


class Secrets(BaseModel):
    model_config = ConfigDict(frozen=True)

    postgres: str  # the superuser's password
    databases: dict[str, str]  # a password for each service's role
    tracking_keys: str
    operator_key: str
    console_secret: str = Field(
        default_factory=lambda: secrets.token_urlsafe(32)
    )  # encrypts API keys in the console's database
    account_request: uuid.UUID  # the idempotency key with which an interrupted start creates the same account again
    account: StackAccount | None = None
    delivery_key: str | None = None  # an API key of scope `pipeline`

    @classmethod
    def kept(cls, home: Home) -> "Secrets":
        """Return the secrets of `home`; generate them the first time. Raises StackError if the file is damaged."""
        try:
            return cls.model_validate_json(home.secrets_file.read_bytes()).with_new_services(home)
        except FileNotFoundError:
            generated = cls(
                postgres=secrets.token_hex(24),
                databases={service: secrets.token_hex(24) for service in SERVICES},
                tracking_keys=f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
                operator_key=secrets.token_urlsafe(32),
                account_request=uuid.uuid4(),
            )
            generated.save(home)
            return generated
        except ValidationError as problem:
            raise StackError(
                f"{home.secrets_file} is damaged; it contains the passwords of the databases. Restore it, "
                f"or remove {home.path} to start over."
            ) from problem

    def with_new_services(self, home: Home) -> "Secrets":
        """Return these secrets with those of new services, which a home of an earlier release does not have."""
        missing = {service: secrets.token_hex(24) for service in SERVICES if service not in self.databases}
        if not missing and "console_secret" in self.model_fields_set:
            return self
        # Passed explicitly, so that generated values count as set from now on.
        extended = self.model_copy(
            update={"databases": {**self.databases, **missing}, "console_secret": self.console_secret}
        )
        extended.save(home)
        return extended

    def save(self, home: Home) -> None:
        write_private(home.secrets_file, self.model_dump_json(indent=1))

    def with_delivery_key(self, home: Home, key: str) -> "Secrets":
        extended = self.model_copy(update={"delivery_key": key})
        extended.save(home)
        return extended

    def with_account(self, home: Home, account: StackAccount) -> "Secrets":
        extended = self.model_copy(update={"account": account})
        extended.save(home)
        return extended
