"""Keeps secrets out of everything that is told about a run."""
