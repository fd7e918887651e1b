-- A courtesy that keeps several relays from sending the same: correctness rests on the compare-and-set of
-- publications and on sequences. A holder that was stopped loses it after 5 s.
UPDATE relay_lease
SET holder = $1, renewed_at = clock_timestamp()
WHERE holder = $1 OR renewed_at < clock_timestamp() - $2::interval
RETURNING true
