"""Answers that are made up: what a mock gives for a request, decided without any network."""
