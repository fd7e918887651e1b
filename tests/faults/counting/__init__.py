"""A small test service on the runtime: it counts clicks per contact and label, and assigns the label.

It uses the topics and the database setting of labeling, so that tests find faults of the runtime alone.
"""
