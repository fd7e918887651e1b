-- What conditions saw of contacts that are erased may name a person.
WITH gone AS (
    UPDATE runs
    SET saw = NULL
    FROM unnest($1::int[], $2::bigint[]) AS c (account_id, contact_id)
    WHERE
        runs.workflow_id = ANY($3::uuid[])
        AND runs.account_id = c.account_id
        AND runs.contact_id = c.contact_id
    RETURNING runs.run_id
)
UPDATE run_steps SET saw = NULL FROM gone WHERE run_steps.run_id = gone.run_id AND run_steps.saw IS NOT NULL
