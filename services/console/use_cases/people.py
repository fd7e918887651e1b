"""Invites people to an account, changes their roles, removes them; each person has an API key of their own."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from services.console.apis.client import Api, ApiProblem, Platform
from services.console.domain.errors import LastAdmin, LinkExpired, NotFound, SignInFirst
from services.console.domain.roles import Role, scopes_of
from services.console.store import invitations as invitations_store
from services.console.store import people as store
from services.console.store.invitations import Invitation
from services.console.store.people import Membership
from services.console.use_cases.tokens import hash_of, new_token
from services.console.use_cases.vault import Vault
from shared.store.database import Database

INVITATION_LIFETIME = timedelta(days=7)


async def invite(
    database: Database, api: Api, vault: Vault, account_id: int, invited_by: UUID, name: str, email: str, role: Role
) -> str:
    """Create an invitation, and an API key with the inviter's key; return the invitation's token. Raises ApiProblem."""
    created = await api.post("labeling", "/v1/keys", {"name": f"Console: {name}", "scopes": scopes_of(role)})
    token = new_token()
    invitation = Invitation(
        uuid4(), account_id, role, email, name, UUID(created["id"]), vault.encrypt(created["key"], account_id)
    )
    expires_at = datetime.now(UTC) + INVITATION_LIFETIME
    await invitations_store.insert_invitation(database.pool, invitation, hash_of(token), invited_by, expires_at)
    return token


async def invitation_of(database: Database, token: str) -> Invitation:
    """Return an invitation that may be accepted. Raises LinkExpired."""
    invitation = await invitations_store.find_invitation(database.pool, hash_of(token))
    if invitation is None:
        raise LinkExpired
    return invitation


async def accept(database: Database, token: str, person_id: UUID | None, name: str) -> tuple[UUID, int]:
    """Accept an invitation: the person (a new one if None is signed in) joins the account; return both ids.

    The inviter also sees the link, so it must not sign in as an existing person. Raises LinkExpired, and SignInFirst if
    the address is of such a person.
    """
    async with database.transaction() as connection:
        invitation = await invitations_store.take_invitation(connection, hash_of(token))
        if invitation is None:
            raise LinkExpired
        member_id = person_id
        if member_id is None:
            if await store.person_of_email(connection, invitation.email) is not None:
                raise SignInFirst
            member_id = uuid4()
            await store.insert_person(connection, member_id, name, invitation.email, is_operator=False)
        membership = Membership(invitation.account_id, invitation.role, invitation.key_id, invitation.api_key)
        await store.put_membership(connection, member_id, membership)
    return member_id, invitation.account_id


async def withdraw(database: Database, api: Api, account_id: int, invitation_id: UUID) -> None:
    """Withdraw an invitation; its key is revoked. Raises NotFound if there is no such invitation, ApiProblem."""
    key_id = await invitations_store.delete_invitation(database.pool, invitation_id, account_id)
    if key_id is None:
        raise NotFound
    await _revoke(api, key_id)


async def change_role(
    database: Database, api: Api, vault: Vault, account_id: int, person_id: UUID, name: str, role: Role
) -> None:
    """Change a person's role: create a new key and revoke the old one. Raises LastAdmin, NotFound, ApiProblem."""
    before = await _membership(database, account_id, person_id)
    if before.role == "admin" and role != "admin":
        await _refuse_last_admin(database, account_id)
    created = await api.post("labeling", "/v1/keys", {"name": f"Console: {name}", "scopes": scopes_of(role)})
    after = Membership(account_id, role, UUID(created["id"]), vault.encrypt(created["key"], account_id))
    await store.put_membership(database.pool, person_id, after)
    await _revoke(api, before.key_id)


async def remove(database: Database, api: Api, account_id: int, person_id: UUID) -> None:
    """Remove a person from an account, and revoke their key. Raises LastAdmin, NotFound, ApiProblem."""
    before = await _membership(database, account_id, person_id)
    if before.role == "admin":
        await _refuse_last_admin(database, account_id)
    # Revoke the key first, so that an interrupted removal does not leave access.
    await _revoke(api, before.key_id)
    await store.delete_membership(database.pool, person_id, account_id)


async def admit(
    database: Database, platform: Platform, vault: Vault, account_key: str, person_id: UUID, name: str
) -> int:
    """Make a person administrator of an account, with a new admin key; return the account's id. Raises ApiProblem."""
    api = platform.with_key(account_key)
    account_id = int((await api.get("labeling", "/v1/account"))["account_id"])
    if await store.membership_of(database.pool, person_id, account_id) is None:
        created = await api.post("labeling", "/v1/keys", {"name": f"Console: {name}", "scopes": scopes_of("admin")})
        membership = Membership(account_id, "admin", UUID(created["id"]), vault.encrypt(created["key"], account_id))
        await store.put_membership(database.pool, person_id, membership)
    return account_id


async def _membership(database: Database, account_id: int, person_id: UUID) -> Membership:
    membership = await store.membership_of(database.pool, person_id, account_id)
    if membership is None:
        raise NotFound
    return membership


async def _refuse_last_admin(database: Database, account_id: int) -> None:
    if await store.count_admins(database.pool, account_id) < 2:
        raise LastAdmin


async def _revoke(api: Api, key_id: UUID) -> None:
    try:
        await api.delete("labeling", f"/v1/keys/{key_id}")
    except ApiProblem as problem:
        if problem.status != 404:
            raise
