DELETE FROM snapshot_parts WHERE partition = $1
