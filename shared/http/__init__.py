"""HTTP: the application frame that every service's API stands in, and the server behind it."""
