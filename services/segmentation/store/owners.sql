-- The owners of the slices of each partition number, and the shared secret of this service's processes.

-- name: take_slices
-- Makes the process at `url` the owner of the slices; the epoch fences writes of earlier owners.
INSERT INTO slice_owner (partition, url, epoch) VALUES (:partition, :url, 1)
ON CONFLICT (partition) DO UPDATE SET url = excluded.url, epoch = slice_owner.epoch + 1
RETURNING epoch

-- name: slice_epoch
SELECT epoch FROM slice_owner WHERE partition = :partition

-- name: slice_epochs
SELECT partition, epoch FROM slice_owner WHERE partition = ANY(:partitions::smallint[])

-- name: slice_owners
SELECT partition, url, epoch FROM slice_owner

-- name: owner_secret
SELECT secret FROM owner_secret
