"""Encrypts the API keys of people with AES-256-GCM, bound to the account of the key."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

_NONCE_BYTES = 12


class SecretChanged(Exception):
    """A stored key cannot be decrypted, because PENCHANT_CONSOLE_SECRET has changed."""


class Vault:
    """Encrypts and decrypts with a key derived from the console's secret."""

    def __init__(self, secret: SecretStr) -> None:
        key_derivation = HKDF(SHA256(), 32, salt=None, info=b"penchant console: api keys")
        self._cipher = AESGCM(key_derivation.derive(secret.get_secret_value().encode()))

    def encrypt(self, api_key: str, account_id: int) -> bytes:
        """Return `api_key` encrypted."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, api_key.encode(), _associated_data(account_id))

    def decrypt(self, stored: bytes, account_id: int) -> str:
        """Return the API key. Raises SecretChanged."""
        try:
            plain = self._cipher.decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], _associated_data(account_id))
        except InvalidTag as error:
            raise SecretChanged("The console's secret has changed; sign in with a new link.") from error
        return plain.decode()


def _associated_data(account_id: int) -> bytes:
    return str(account_id).encode()
