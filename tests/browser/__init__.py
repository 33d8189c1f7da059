"""Lessons and widgets used as a person would: real JupyterLab in a real Chromium."""
