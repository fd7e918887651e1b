-- The most frequent change by far: more clicks for a label that is held.
UPDATE assignments AS assignment
SET
    click_supports = assignment.click_supports + confirmed.clicks,
    clicks = assignment.clicks + confirmed.clicks,
    last_click = confirmed.last_click
FROM unnest($1::integer[], $2::bigint[], $3::integer[], $4::timestamptz[])
    AS confirmed (label_no, contact_id, clicks, last_click)
WHERE assignment.label_no = confirmed.label_no AND assignment.contact_id = confirmed.contact_id
