SELECT partition, batches FROM contact_news
