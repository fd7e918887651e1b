SELECT
    click.click_id, click.contact_id, click.occurred_at, click.verdict, click.reasons,
    click.method, click.hint, click.user_agent, click.ip, click.headers,
    message.message_id, link.link_id, link.number AS link_number, link.url, link.text,
    send.kind AS send_kind, send.id AS send_id, send.sent_at
FROM clicks AS click
JOIN messages AS message ON message.message_no = click.message_no
JOIN links AS link ON link.message_id = message.message_id AND link.number = click.link_number
LEFT JOIN sends AS send ON send.send_no = click.send_no
WHERE click.account_id = $1
  AND ($2::bigint IS NULL OR click.contact_id = $2)
  AND ($3::integer IS NULL OR click.message_no = $3)
  AND ($4::integer[] IS NULL OR click.send_no = ANY($4))
  AND ($5::text IS NULL OR click.verdict = $5)
  AND ($6::timestamptz IS NULL OR click.occurred_at >= $6)
  AND ($7::timestamptz IS NULL OR click.occurred_at < $7)
  AND ($8::timestamptz IS NULL OR (click.occurred_at, click.click_id) < ($8, $9::uuid))
ORDER BY click.occurred_at DESC, click.click_id DESC
LIMIT $10
