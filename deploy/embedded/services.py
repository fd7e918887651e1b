"""The services that a stack runs."""

SERVICES = ("tracking", "labeling", "segmentation", "workflow")
