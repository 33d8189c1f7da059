"""Sentences of checks and quizzes as HTML."""

import re
from html import escape


def html(text: str) -> str:
    """Text as HTML; what stands between backticks is code."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", escape(text.strip()))
