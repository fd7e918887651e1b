"""Delivery's use cases: accept requests, send mails, and report the outcomes."""
