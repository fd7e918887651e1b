SELECT count(*)
FROM events
JOIN publications AS publication USING (partition)
WHERE events.topic = $1 AND events.position <= publication.position
