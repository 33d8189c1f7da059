"""What makes notebooks, editions, pages and slides of the lessons' sources.

The command is ``python -m authoring``, run in the course's folder; none of this is installed with
the package that lessons import. A source is read in `source`, executed in `build`, held against the
course's rules in `rules`; `edition`, `site` and `slides` take the built notebooks.
"""
