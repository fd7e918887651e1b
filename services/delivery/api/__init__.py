"""HTTP: mails to try a message with."""
