"""The services that a stack runs, and the clients of their APIs: the console, and delivery."""

STARTED_FIRST = ("tracking", "labeling", "segmentation", "workflow", "console")
STARTED_LAST = ("delivery",)  # needs a key from labeling
SERVICES = (*STARTED_FIRST, *STARTED_LAST)
