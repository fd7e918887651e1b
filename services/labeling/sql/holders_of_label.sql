SELECT
    assignment.contact_id, contact.external_id, contact.email,
    assignment.since, assignment.clicks, assignment.first_click, assignment.last_click
FROM assignments AS assignment
JOIN contacts AS contact USING (account_id, contact_id)
WHERE assignment.account_id = $1 AND assignment.label_no = $2 AND assignment.held AND assignment.contact_id > $3
ORDER BY assignment.contact_id
LIMIT $4
