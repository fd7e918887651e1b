INSERT INTO erased_contacts (account_id, contact_id, erased_at) VALUES ($1, $2, $3)
