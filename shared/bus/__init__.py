"""Kafka for the services: a handler gets each batch of events, with a unit of work, exactly once.

Services use FastStream and aiokafka only through this package.
"""
