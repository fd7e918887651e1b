"""The commands of `penchant`, a module for each noun."""
