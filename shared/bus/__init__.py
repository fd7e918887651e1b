"""Kafka, behind one idea: a function gets a unit of work and a batch of events, exactly once.

The only place that touches FastStream and aiokafka.
"""
