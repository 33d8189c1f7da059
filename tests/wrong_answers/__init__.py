"""Misconceptions, one module per lesson: ``WRONG[number] = [(answer, …, fragment), …]``."""
