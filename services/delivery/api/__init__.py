"""Delivery's HTTP API: test mails."""
