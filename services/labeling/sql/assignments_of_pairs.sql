SELECT
    assignment.label_no, assignment.contact_id,
    assignment.since, assignment.click_supports, assignment.supports,
    assignment.clicks, assignment.first_click, assignment.last_click, assignment.withdrawn_by_self
FROM unnest($1::integer[], $2::bigint[]) AS pair (label_no, contact_id)
JOIN assignments AS assignment USING (label_no, contact_id)
