-- Of the clicks named, those that this very transaction has inserted.
SELECT seen.account_id, seen.source_no, seen.key
FROM click_seen AS seen
JOIN unnest($1::integer[], $2::integer[], $3::uuid[]) AS named (account_id, source_no, key)
    ON seen.account_id = named.account_id AND seen.source_no = named.source_no AND seen.key = named.key
WHERE seen.xmin = pg_current_xact_id()::xid
