DELETE FROM clicks AS click
USING unnest($1::integer[], $2::bigint[], $3::timestamptz[], $4::uuid[])
    AS removed (account_id, contact_id, occurred_at, click_id)
WHERE click.account_id = removed.account_id
  AND click.contact_id = removed.contact_id
  AND click.occurred_at = removed.occurred_at
  AND click.click_id = removed.click_id
