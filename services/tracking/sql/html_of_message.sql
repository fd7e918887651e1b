SELECT message.revision, message.version, revision.html, revision.link_ids
FROM messages AS message
JOIN revisions AS revision ON revision.message_id = message.message_id AND revision.revision = message.revision
WHERE message.account_id = $1 AND message.message_id = $2
