INSERT INTO contact_news AS counted (partition, batches)
VALUES ($1, 1)
ON CONFLICT (partition) DO UPDATE SET batches = counted.batches + 1
