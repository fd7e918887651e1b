"""The commands of `penchant`, one module for each noun."""
