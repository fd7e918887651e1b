INSERT INTO held (
    consumer, topic, partition, record_offset, key, value, headers,
    account_id, contact_id, state, reason, waits_for, held_at, expires_at
)
SELECT
    record.consumer, record.topic, record.partition, record.record_offset, record.key, record.value, record.headers,
    record.account_id, record.contact_id, record.state, record.reason,
    string_to_array(record.waits_for, E'\n'), record.held_at, record.expires_at
FROM unnest(
    $1::text[], $2::text[], $3::smallint[], $4::bigint[], $5::bytea[], $6::bytea[], $7::bytea[],
    $8::integer[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[]
) WITH ORDINALITY AS record (
    consumer, topic, partition, record_offset, key, value, headers,
    account_id, contact_id, state, reason, waits_for, held_at, expires_at, ordinality
)
ORDER BY record.ordinality
