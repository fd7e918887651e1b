"""HTTP: the application that every service's API is part of, and the server that runs it."""
