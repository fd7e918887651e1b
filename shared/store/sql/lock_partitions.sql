-- One after the other, ascending, as everybody takes them: no two wait for each other. An intake batch needs them all.
SELECT pg_advisory_xact_lock(1, wanted.number)
FROM (SELECT number FROM unnest($1::integer[]) AS number ORDER BY number OFFSET 0) AS wanted
