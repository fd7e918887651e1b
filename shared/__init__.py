"""What every service needs: events, store, bus, http, criteria, settings. Imports no service."""
