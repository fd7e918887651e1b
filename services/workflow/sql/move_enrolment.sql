UPDATE enrolments SET contact_id = $3 WHERE workflow_id = $1 AND partition = $2
