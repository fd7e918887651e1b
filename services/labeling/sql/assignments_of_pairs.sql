SELECT
    assignment.account_id, assignment.label_no, assignment.contact_id,
    assignment.held, assignment.since, assignment.click_supports, assignment.supports,
    assignment.clicks, assignment.first_click, assignment.last_click, assignment.withdrawn_by_self
FROM unnest($1::integer[], $2::integer[], $3::bigint[]) AS pair (account_id, label_no, contact_id)
JOIN assignments AS assignment USING (account_id, label_no, contact_id)
