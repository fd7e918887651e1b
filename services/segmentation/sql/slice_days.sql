SELECT account_id, day FROM slice_days WHERE partition = $1
