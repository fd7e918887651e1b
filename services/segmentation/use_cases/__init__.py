"""What segmentation does: segments, questions about contacts, and the slices that answer them."""
