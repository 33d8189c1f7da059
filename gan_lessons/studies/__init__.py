"""Experiments that lessons rest on: what was tried, how often, and what came of it."""
