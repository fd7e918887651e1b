SELECT min(due_at) FROM runs WHERE partition = $1 AND NOT workflow_id = ANY($2::uuid[])
