SELECT pg_notify('held', '')
