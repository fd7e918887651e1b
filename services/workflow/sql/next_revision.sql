UPDATE revision SET number = number + 1 RETURNING number, clock_timestamp() AS at
