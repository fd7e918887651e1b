SELECT made_for, offsets, zones, taken_at FROM snapshots WHERE partition = $1
