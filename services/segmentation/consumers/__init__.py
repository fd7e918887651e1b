"""The handler that keeps the slices of this process current and announces entries and exits."""
