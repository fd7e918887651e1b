"""Pure rules of delivery: what a mail looks like, whether it may go out, what an answer of a mail server means."""
