SELECT coalesce((SELECT position FROM member_positions WHERE partition = $1), 0)
