-- Ids are in the order of creation; the newest come first.
SELECT message.message_id, message.name, message.revision, message.created_at, message.changed_at,
    (SELECT count(*) FROM links AS link WHERE link.message_id = message.message_id AND link.present) AS links
FROM messages AS message
WHERE message.account_id = $1 AND ($2::uuid IS NULL OR message.message_id < $2)
ORDER BY message.message_id DESC
LIMIT $3
