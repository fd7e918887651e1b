SELECT topic, state, count(*) AS records FROM held GROUP BY topic, state
