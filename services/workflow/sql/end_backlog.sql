DELETE FROM backlog WHERE workflow_id = $1 AND partition = $2
