-- Senders: the names and addresses that mails of an account come from.

-- name: insert_sender
INSERT INTO senders (sender_id, account_id, name, email, reply_to, created_at, changed_at, version)
VALUES (:sender_id, :account_id, :name, :email, :reply_to, :now, :now, 1)
RETURNING *

-- name: change_sender
UPDATE senders
SET name = :name, email = :email, reply_to = :reply_to, changed_at = :now, version = version + 1
WHERE account_id = :account_id AND sender_id = :sender_id
RETURNING *

-- name: delete_sender
DELETE FROM senders WHERE account_id = :account_id AND sender_id = :sender_id

-- name: read_sender
SELECT * FROM senders WHERE account_id = :account_id AND sender_id = :sender_id

-- name: lock_sender
SELECT * FROM senders WHERE account_id = :account_id AND sender_id = :sender_id FOR UPDATE

-- name: list_senders
SELECT * FROM senders
WHERE account_id = :account_id AND (:after::uuid IS NULL OR sender_id > :after)
ORDER BY sender_id
LIMIT :limit

-- name: count_senders
SELECT count(*) FROM senders WHERE account_id = :account_id

-- name: messages_of_sender
-- Messages whose newest revision names the sender.
SELECT message.message_id, message.name
FROM messages AS message
JOIN revisions AS revision ON revision.message_id = message.message_id AND revision.revision = message.revision
WHERE message.account_id = :account_id AND message.deleted_at IS NULL AND revision.sender_id = :sender_id
ORDER BY message.message_id
LIMIT 100
