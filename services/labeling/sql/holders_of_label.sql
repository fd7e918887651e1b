SELECT
    assignment.contact_id, contact.external_id, contact.email,
    assignment.since, assignment.clicks, assignment.first_click, assignment.last_click
FROM assignments AS assignment
JOIN contacts AS contact ON contact.account_id = $1 AND contact.contact_id = assignment.contact_id
WHERE assignment.label_no = $2 AND assignment.held AND assignment.contact_id > $3
ORDER BY assignment.contact_id
LIMIT $4
