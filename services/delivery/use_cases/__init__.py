"""What delivery does: take requests, send mails, report what came of them."""
