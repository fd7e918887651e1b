-- Invitations to an account.

-- name: insert_invitation
INSERT INTO invitations
    (invitation_id, token_hash, account_id, role, email, name, invited_by, key_id, api_key, expires_at)
VALUES
    (:invitation_id, :token_hash, :account_id, :role, :email, :name, :invited_by, :key_id, :api_key, :expires_at);

-- name: invitations_of_account
SELECT i.invitation_id, i.role, i.email, i.name, i.key_id, i.created_at, i.expires_at, p.name AS invited_by
FROM invitations i LEFT JOIN people p ON p.person_id = i.invited_by
WHERE i.account_id = :account_id ORDER BY i.created_at DESC;

-- name: find_invitation
SELECT invitation_id, account_id, role, email, name, key_id, api_key
FROM invitations WHERE token_hash = :token_hash AND expires_at > now();

-- name: take_invitation
DELETE FROM invitations WHERE token_hash = :token_hash AND expires_at > now()
RETURNING invitation_id, account_id, role, email, name, key_id, api_key;

-- name: delete_invitation
DELETE FROM invitations WHERE invitation_id = :invitation_id AND account_id = :account_id RETURNING key_id;
