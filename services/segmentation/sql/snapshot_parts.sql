SELECT account_id, part, body FROM snapshot_parts WHERE partition = $1
