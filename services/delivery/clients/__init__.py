"""Other systems that delivery talks to: tracking, which renders messages, and a mail server."""
