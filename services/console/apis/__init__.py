"""The four APIs, as the console uses them."""
