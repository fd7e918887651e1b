UPDATE assignments AS assignment
SET
    held = changed.held,
    since = changed.since,
    click_supports = changed.click_supports,
    supports = changed.supports,
    clicks = changed.clicks,
    first_click = changed.first_click,
    last_click = changed.last_click,
    withdrawn_by_self = changed.withdrawn_by_self
FROM unnest(
    $1::integer[], $2::integer[], $3::bigint[], $4::boolean[], $5::timestamptz[], $6::integer[], $7::jsonb[],
    $8::integer[], $9::timestamptz[], $10::timestamptz[], $11::boolean[]
) AS changed (
    account_id, label_no, contact_id, held, since, click_supports, supports,
    clicks, first_click, last_click, withdrawn_by_self
)
WHERE assignment.account_id = changed.account_id
    AND assignment.label_no = changed.label_no
    AND assignment.contact_id = changed.contact_id
