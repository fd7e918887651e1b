UPDATE backlog SET position = $3 WHERE workflow_id = $1 AND partition = $2
