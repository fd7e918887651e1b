-- Messages, their revisions, links and link labels.

-- name: insert_message
-- Inserts a message without a revision; one must follow in the same transaction.
INSERT INTO messages (message_id, account_id, name, revision, version, created_at, changed_at)
VALUES (:message_id, :account_id, :name, 0, 0, :now, :now)

-- name: change_message
UPDATE messages
SET name = :name, revision = :revision, version = :version, changed_at = :changed_at, deleted_at = :deleted_at
WHERE message_id = :message_id

-- name: insert_revision
INSERT INTO revisions (
    message_id, revision, html, link_ids, link_starts, link_ends, link_quoted, subject, subject_variants, preheader,
    sender_id, reply_to, plain_text, text_is_made, blocks, created_at
)
VALUES (
    :message_id, :revision, :html, :link_ids, :starts, :ends, :quoted, :subject, :subject_variants, :preheader,
    :sender_id, :reply_to, :plain_text, :text_is_made, :blocks, :created_at
)

-- name: write_links
-- `written` is a JSON array for each link, because unnest would flatten arrays of arrays.
INSERT INTO links AS link (link_id, message_id, number, url, text, reason, present, tracking, target, written)
SELECT found.link_id, :message_id, found.number, found.url, found.text, found.reason, found.present, found.tracking,
    found.target, ARRAY(SELECT json_array_elements_text(found.written::json))
FROM unnest(
    :link_ids::uuid[], :numbers::integer[], :urls::text[], :texts::text[], :reasons::text[], :present::boolean[],
    :tracking::text[], :targets::text[], :written::text[]
) AS found (link_id, number, url, text, reason, present, tracking, target, written)
ON CONFLICT (link_id) DO UPDATE SET
    url = excluded.url,
    text = excluded.text,
    reason = excluded.reason,
    present = excluded.present,
    tracking = excluded.tracking,
    target = excluded.target,
    written = excluded.written

-- name: clear_link_labels
DELETE FROM link_labels WHERE link_id = ANY(:link_ids::uuid[])

-- name: insert_link_labels
INSERT INTO link_labels (link_id, place, label_id, label_name, put_by)
SELECT * FROM unnest(:link_ids::uuid[], :places::smallint[], :label_ids::uuid[], :names::text[], :put_by::text[])

-- name: read_message
SELECT message.name, message.revision, message.version, message.created_at, message.changed_at, revision.link_ids,
    revision.subject, revision.subject_variants, revision.preheader, revision.sender_id, revision.reply_to,
    revision.plain_text, revision.text_is_made, revision.blocks
FROM messages AS message
JOIN revisions AS revision ON revision.message_id = message.message_id AND revision.revision = message.revision
WHERE message.account_id = :account_id AND message.message_id = :message_id AND message.deleted_at IS NULL

-- name: criteria_of_messages
SELECT message_id, block, variant, criterion
FROM block_criteria
WHERE message_id = ANY(:message_ids::uuid[])
ORDER BY message_id, block, place

-- name: clear_criteria
DELETE FROM block_criteria WHERE message_id = :message_id AND block = :block

-- name: insert_criteria
INSERT INTO block_criteria (message_id, block, variant, place, criterion)
SELECT :message_id, :block, variant, place, criterion
FROM unnest(:variants::text[], :places::smallint[], :criteria::text[]) AS wanted (variant, place, criterion)

-- name: revision_of_message
-- A null revision means the newest one.
SELECT message.version, revision.revision, revision.html, revision.link_ids, revision.link_starts, revision.link_ends,
    revision.link_quoted, revision.subject, revision.subject_variants, revision.preheader, revision.sender_id,
    revision.reply_to, revision.plain_text, revision.text_is_made, revision.blocks
FROM messages AS message
JOIN revisions AS revision
    ON revision.message_id = message.message_id AND revision.revision = coalesce(:revision::integer, message.revision)
WHERE message.account_id = :account_id AND message.message_id = :message_id AND message.deleted_at IS NULL

-- name: number_of_message
SELECT message_no FROM messages
WHERE account_id = :account_id AND message_id = :message_id AND deleted_at IS NULL

-- name: versions_of_messages
SELECT message_id, account_id, message_no, version FROM messages WHERE message_id = ANY(:message_ids::uuid[])

-- name: links_of_messages
-- All links that the messages ever had, with their labels in order.
SELECT
    link.message_id, link.link_id, link.number, link.url, link.text, link.reason, link.present,
    link.tracking, link.target, link.written,
    array_remove(array_agg(label.label_id ORDER BY label.place), NULL) AS label_ids,
    array_remove(array_agg(label.label_name ORDER BY label.place), NULL) AS label_names,
    array_remove(array_agg(label.put_by ORDER BY label.place), NULL) AS labels_put_by
FROM links AS link
LEFT JOIN link_labels AS label ON label.link_id = link.link_id
WHERE link.message_id = ANY(:message_ids::uuid[])
GROUP BY link.link_id
ORDER BY link.message_id, link.number

-- name: list_messages
-- Ids increase in the order of creation; the newest messages come first.
SELECT message.message_id, message.name, message.revision, message.created_at, message.changed_at,
    (SELECT count(*) FROM links AS link WHERE link.message_id = message.message_id AND link.present) AS links
FROM messages AS message
WHERE message.account_id = :account_id AND message.deleted_at IS NULL
  AND (:before::uuid IS NULL OR message.message_id < :before)
ORDER BY message.message_id DESC
LIMIT :limit

-- name: count_messages
SELECT count(*) FROM messages WHERE account_id = :account_id AND deleted_at IS NULL
