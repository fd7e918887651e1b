SELECT DISTINCT waited.key
FROM held, unnest(held.waits_for) AS waited (key)
WHERE held.state = 'waiting' AND held.topic = 'intake.clicks'
  AND waited.key NOT LIKE 'names:%'
