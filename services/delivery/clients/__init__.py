"""Clients of the other systems that delivery uses: tracking, which renders messages, and a mail server."""
