INSERT INTO slice_days (partition, account_id, day)
SELECT $1, fresh.account_id, fresh.day
FROM unnest($2::int[], $3::date[]) AS fresh (account_id, day)
ON CONFLICT (partition, account_id) DO UPDATE SET day = greatest(slice_days.day, excluded.day)
