SELECT DISTINCT key
FROM held, unnest(held.waits_for) AS key
WHERE held.state = 'waiting' AND held.topic = 'intake.clicks'
