"""The console: the web page on which people use Penchant. It is a client of the services' APIs."""
