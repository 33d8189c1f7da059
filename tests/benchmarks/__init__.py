"""Speeds against the usual way, both measured in one run; `make bench`. Nothing here is a test."""
