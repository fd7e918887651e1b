SELECT contact.*
FROM assignments AS assignment
JOIN contacts AS contact ON contact.account_id = $1 AND contact.contact_id = assignment.contact_id
WHERE assignment.label_no = $5
    AND assignment.held
    AND assignment.contact_id > $2
    AND ($3::bigint IS NULL OR assignment.contact_id = $3)
ORDER BY assignment.contact_id
LIMIT $4
