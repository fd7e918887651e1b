"""Pure rules of delivery: the form of a mail, whether it may be sent, and the meaning of a server's replies."""
