DELETE FROM contacts WHERE partition = $1 AND projection < $2
