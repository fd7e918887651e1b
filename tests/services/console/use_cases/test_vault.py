"""Keys are stored encrypted."""

import pytest
from pydantic import SecretStr

from services.console.use_cases.vault import SecretChanged, Vault

SECRET = SecretStr("a-secret-of-the-tests-that-is-long-enough")


def test_an_encrypted_key_can_be_decrypted() -> None:
    vault = Vault(SECRET)
    stored = vault.encrypt("pk_key", 7)
    assert b"pk_key" not in stored
    assert Vault(SECRET).decrypt(stored, 7) == "pk_key"


def test_a_key_is_bound_to_its_account() -> None:
    vault = Vault(SECRET)
    with pytest.raises(SecretChanged):
        vault.decrypt(vault.encrypt("pk_key", 7), 8)


def test_another_secret_cannot_decrypt_a_key() -> None:
    with pytest.raises(SecretChanged):
        Vault(SecretStr("another-secret-of-the-tests-as-long-as-that")).decrypt(Vault(SECRET).encrypt("pk_key", 7), 7)
