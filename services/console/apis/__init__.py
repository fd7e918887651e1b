"""The console's client of the services' APIs."""
