-- Clicks: their identities, their rows, and their counts.

-- name: network_key
SELECT key FROM network_key

-- name: settle_sources
-- Sources that are already known are returned too.
INSERT INTO sources AS known (source)
SELECT source FROM unnest(:sources::text[]) AS named (source) ORDER BY source
ON CONFLICT (source) DO UPDATE SET source = known.source
RETURNING source, source_no

-- name: settle_sends
INSERT INTO sends AS known (account_id, message_no, kind, id, sent_at)
SELECT account_id, message_no, kind, id, min(sent_at)
FROM unnest(:account_ids::integer[], :message_nos::integer[], :kinds::text[], :ids::text[], :sent_at::timestamptz[])
    AS named (account_id, message_no, kind, id, sent_at)
GROUP BY account_id, message_no, kind, id
ORDER BY message_no, kind, id
ON CONFLICT (message_no, kind, id) DO UPDATE SET sent_at = least(known.sent_at, excluded.sent_at)
RETURNING send_no, message_no, kind, id

-- name: insert_seen
-- Sorted, so that two batches with the same clicks wait for each other instead of deadlocking.
INSERT INTO click_seen (account_id, source_no, key)
SELECT account_id, source_no, key
FROM unnest(:account_ids::integer[], :source_nos::integer[], :keys::uuid[]) AS named (account_id, source_no, key)
ORDER BY account_id, source_no, key
ON CONFLICT DO NOTHING

-- name: seen_here
-- The named clicks that this transaction has inserted.
SELECT seen.account_id, seen.source_no, seen.key
FROM click_seen AS seen
JOIN unnest(:account_ids::integer[], :source_nos::integer[], :keys::uuid[]) AS named (account_id, source_no, key)
    ON seen.account_id = named.account_id AND seen.source_no = named.source_no AND seen.key = named.key
WHERE seen.xmin = pg_current_xact_id()::xid

-- name: remove_clicks
DELETE FROM clicks WHERE click_id = ANY(:click_ids::uuid[])

-- name: add_counts
INSERT INTO click_counts AS counted (message_no, link_number, send_no, verdict, clicks)
SELECT * FROM unnest(
    :message_nos::integer[], :link_numbers::integer[], :send_nos::integer[], :verdicts::text[], :clicks::bigint[]
)
ON CONFLICT (message_no, link_number, send_no, verdict) DO UPDATE SET clicks = counted.clicks + excluded.clicks

-- name: sends_named
SELECT send_no FROM sends WHERE account_id = :account_id AND id = :send_id

-- name: list_clicks
-- A null parameter does not restrict the list.
SELECT
    click.click_id, click.contact_id, click.occurred_at, click.verdict, click.reasons,
    click.method, click.hint, click.user_agent, click.ip, click.headers, click.rules, click.history,
    click.since_send, click.since_delivery, click.network, click.http_version,
    message.message_id, link.link_id, link.number AS link_number, link.url, link.text,
    send.kind AS send_kind, send.id AS send_id, send.sent_at
FROM clicks AS click
JOIN messages AS message ON message.message_no = click.message_no
JOIN links AS link ON link.message_id = message.message_id AND link.number = click.link_number
LEFT JOIN sends AS send ON send.send_no = click.send_no
WHERE click.account_id = :account_id
  AND (:contact_id::bigint IS NULL OR click.contact_id = :contact_id)
  AND (:message_no::integer IS NULL OR click.message_no = :message_no)
  AND (:link_numbers::integer[] IS NULL OR click.link_number = ANY(:link_numbers))
  AND (:send_nos::integer[] IS NULL OR click.send_no = ANY(:send_nos))
  AND (:verdict::text IS NULL OR click.verdict = :verdict)
  AND (:since::timestamptz IS NULL OR click.occurred_at >= :since)
  AND (:until::timestamptz IS NULL OR click.occurred_at < :until)
  AND (:before_time::timestamptz IS NULL OR (click.occurred_at, click.click_id) < (:before_time, :before_id::uuid))
ORDER BY click.occurred_at DESC, click.click_id DESC
LIMIT :limit

-- name: numbers_of_links
SELECT number FROM links WHERE message_id = :message_id AND link_id = ANY(:link_ids::uuid[])

-- name: forget_clicks
-- Removes personal data; the click stays, with an id that no longer identifies a person, and so does the hash of its
-- network.
UPDATE clicks AS click
SET user_agent = NULL, ip = NULL, headers = NULL
FROM unnest(:account_ids::integer[], :contact_ids::bigint[]) AS erased (account_id, contact_id)
WHERE click.account_id = erased.account_id
  AND click.contact_id = erased.contact_id
  AND (click.user_agent IS NOT NULL OR click.ip IS NOT NULL OR click.headers IS NOT NULL)

-- name: recorded_among
-- Those keys of an account's reports from one source that were recorded.
SELECT key FROM click_seen
WHERE account_id = :account_id AND source_no = (SELECT source_no FROM sources WHERE source = :source)
    AND key = ANY(:keys::uuid[])

-- name: held_among
-- Those ids of reports, in base64, whose records are held; the records' keys begin with `key_prefix`.
SELECT held.id64
FROM (
    SELECT substring(convert_from(headers, 'UTF8') FROM '"ce_id","([^"]*)"') AS id64
    FROM held
    WHERE topic = :topic AND state <> 'dead'
        AND substring(key FROM 1 FOR length(:key_prefix::bytea)) = :key_prefix::bytea
) AS held
WHERE held.id64 = ANY(:ids64::text[])
