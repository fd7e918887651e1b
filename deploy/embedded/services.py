"""The services that a stack runs, and the clients of their APIs: the console, and delivery."""

FIRST = ("tracking", "labeling", "segmentation", "workflow", "console")
LAST = ("delivery",)  # needs a key from labeling
SERVICES = (*FIRST, *LAST)
