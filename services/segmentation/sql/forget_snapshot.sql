DELETE FROM snapshots WHERE partition = $1
