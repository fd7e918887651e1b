INSERT INTO slice_owner (partition, url, epoch) VALUES ($1, $2, 1)
ON CONFLICT (partition) DO UPDATE SET url = excluded.url, epoch = slice_owner.epoch + 1
RETURNING epoch
