"""The services that a stack runs, and the console, which is a client of their APIs."""

SERVICES = ("tracking", "labeling", "segmentation", "workflow", "console")
