UPDATE assignments AS assignment
SET
    since = changed.since,
    click_supports = changed.click_supports,
    supports = changed.supports,
    clicks = changed.clicks,
    first_click = changed.first_click,
    last_click = changed.last_click,
    withdrawn_by_self = changed.withdrawn_by_self
FROM unnest(
    $1::integer[], $2::bigint[], $3::timestamptz[], $4::integer[], $5::jsonb[],
    $6::integer[], $7::timestamptz[], $8::timestamptz[], $9::boolean[]
) AS changed (
    label_no, contact_id, since, click_supports, supports,
    clicks, first_click, last_click, withdrawn_by_self
)
WHERE assignment.label_no = changed.label_no AND assignment.contact_id = changed.contact_id
