"""A small service of the tests' own on the runtime: counts clicks per contact and label, and assigns the label.

It replaces labeling (its topics, its database setting), so that a fault of the runtime shows on its own.
"""
