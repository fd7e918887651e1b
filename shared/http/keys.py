"""API keys: their form, their scopes, and the dependency that requires one.

A key is `pk_`, 256 random bits and a CRC-32, both in base 62, so that random texts are refused without a look-up. Only
the SHA-256 of a key is ever stored. Scopes are independent: `write` without `read` is a key that can only write;
`admin` may do everything in its account. `pipeline` works for all accounts: the header `Penchant-Account` names the
account of each request, and only endpoints that declare it accept such a key.
"""

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from shared.events.labeling import NO_ACCOUNT, ApiKeyChanged, Scope
from shared.http.pointers import FieldError
from shared.http.problems import Problem, unavailable

PREFIX = "pk_"
ACCOUNT_HEADER = "penchant-account"
HIGHEST_ACCOUNT_ID = NO_ACCOUNT - 1
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH, _CHECKSUM_LENGTH = 43, 6  # 62**43 > 2**256, 62**6 > 2**32
_FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}}")

_bearer = HTTPBearer(auto_error=False, bearerFormat=f"{PREFIX}…", description="An API key of the account.")


class KeyLookup(Protocol):
    """Looks up API keys, such as a catalog of `labeling.keys`."""

    def find(self, kind: type[ApiKeyChanged], key: str, /) -> ApiKeyChanged | None:
        """Return the key with this hash; None if it is not known yet."""

    async def refresh(self) -> bool:
        """Read the keys to the current end of the topic; return False if that takes more than about a second."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of an endpoint: a key of an account, and its scopes."""

    account_id: int
    key_id: UUID
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Return whether the key has the scope; `admin` includes all scopes of its account."""
        return scope in self.scopes or ("admin" in self.scopes and scope != "pipeline")


# The operator belongs to no account.
OPERATOR = Caller(0, UUID(int=0), frozenset())


def generate() -> str:
    """Return a new key. It is shown to its owner once; only its `hash_of` is stored."""
    secret = PREFIX + _in_base_62(int.from_bytes(secrets.token_bytes(32)), _SECRET_LENGTH)
    return secret + _checksum(secret)


def is_wellformed(key: str) -> bool:
    """Return whether `key` has the form and the checksum of an API key."""
    return _FORM.fullmatch(key) is not None and _checksum(key[:-_CHECKSUM_LENGTH]) == key[-_CHECKSUM_LENGTH:]


def hash_of(key: str) -> str:
    """Return the hash under which a key is stored: SHA-256, hexadecimal."""
    return hashlib.sha256(key.encode()).hexdigest()


def _checksum(text: str) -> str:
    return _in_base_62(zlib.crc32(text.encode()), _CHECKSUM_LENGTH)


def _in_base_62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def requires(*scopes: Scope, pipeline: bool = False) -> Any:  # noqa: ANN401 # as FastAPI's own Security and Depends
    """Return the dependency of an endpoint that needs a key with all of `scopes`.

    `caller: Annotated[Caller, requires("read")]`; 401 without a valid key, 403 without a scope. The key is checked
    before the body is read. With `pipeline`, a key with that scope is accepted too: the header `Penchant-Account` then
    names the caller's account, 422 without it.
    """
    return Security(_requirement(scopes, pipeline))


def requires_operator() -> Any:  # noqa: ANN401
    """Return the dependency of an endpoint for the operator of the installation (`CommonSettings.operator_key`)."""
    return Security(operator_requirement)


def requires_admin() -> Any:  # noqa: ANN401
    """Return the dependency of an endpoint for admins of an account and for the operator."""
    return Security(admin_requirement)


class Requirement:
    """A check before the body is read; `shared.http.routing` finds these among an endpoint's dependencies."""

    def __init__(self, scopes: tuple[Scope, ...], pipeline: bool = False) -> None:
        self.scopes = scopes
        self.pipeline = pipeline

    async def __call__(
        self,
        request: Request,
        _: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
    ) -> Caller:
        """Return the caller. Raises Problem: 401, 403, 429."""
        caller: Caller | None = getattr(request.state, "caller", None)
        if caller is None:
            caller = await _authenticate(request)
            if self.pipeline and "pipeline" in caller.scopes:
                caller = Caller(_account_in_header(request), caller.key_id, frozenset(self.scopes))
            request.state.caller = caller
            request.app.state.request_limit.take(caller.account_id)
        missing = [scope for scope in self.scopes if not caller.may(scope)]
        if missing:
            needed = " ".join(self.scopes)
            raise Problem(
                403,
                f"The key lacks the scope {' and '.join(missing)}.",
                headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{needed}"'},
            )
        return caller


class OperatorRequirement(Requirement):
    """Requires the operator's key, which is in the settings and belongs to no account."""

    async def __call__(  # type: ignore[override] # no account is the caller
        self,
        request: Request,
        _: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
    ) -> None:
        """Raise Problem 401 unless the request has the operator's key."""
        if not is_operator(request, _bearer_of(request)):
            raise _unknown_key()
        # Makes `Idempotency-Key` work for the operator too.
        request.state.caller = OPERATOR


class AdminRequirement(Requirement):
    """Requires the operator's key, or an account's key with the scope `admin`."""

    async def __call__(
        self,
        request: Request,
        _: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
    ) -> Caller:
        """Return the caller, `OPERATOR` for the operator. Raises Problem: 401, 403, 429."""
        if is_operator(request, _bearer_of(request)):
            request.state.caller = OPERATOR
            return OPERATOR
        return await super().__call__(request)


def is_operator(request: Request, key: str) -> bool:
    """Return whether `key` is the operator's key."""
    expected: SecretStr | None = request.app.state.operator_key
    return expected is not None and hmac.compare_digest(key.encode(), expected.get_secret_value().encode())


operator_requirement = OperatorRequirement(())
admin_requirement = AdminRequirement(("admin",))


@lru_cache
def _requirement(scopes: tuple[Scope, ...], pipeline: bool) -> Requirement:
    return Requirement(scopes, pipeline)


def _account_in_header(request: Request) -> int:
    """Return the account id in the header `Penchant-Account`. Raises Problem 422 if it is missing or not an id."""
    text = request.headers.get(ACCOUNT_HEADER, "")
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:11]) <= HIGHEST_ACCOUNT_ID):
        detail = "Give the id of the account that the request is for"
        raise Problem(422, f"{detail}.", errors=[FieldError(f"/header/{ACCOUNT_HEADER}", detail)])
    return int(text)


async def _authenticate(request: Request) -> Caller:
    key = _bearer_of(request)
    if not is_wellformed(key):
        raise _unknown_key()
    keys: KeyLookup = request.app.state.keys
    key_hash = hash_of(key)
    record = keys.find(ApiKeyChanged, key_hash)
    if record is None:
        # The key may have been created a moment ago. Random texts do not get here: their checksum is wrong.
        up_to_date = await keys.refresh()
        record = keys.find(ApiKeyChanged, key_hash)
        if record is None and not up_to_date:
            raise unavailable("The API key cannot be checked now. Try again in a moment.")
    if record is None or record.revoked:
        raise _unknown_key()
    return Caller(record.account_id, record.key_id, frozenset(record.scopes))


def _bearer_of(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Problem(
            401, "Send an API key: Authorization: Bearer pk_….", headers={"WWW-Authenticate": 'Bearer realm="penchant"'}
        )
    return key.strip()


def _unknown_key() -> Problem:
    return Problem(
        401,
        "The API key is unknown, or it was revoked.",
        headers={"WWW-Authenticate": 'Bearer realm="penchant", error="invalid_token"'},
    )
