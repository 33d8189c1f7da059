"""Sentences of checks and quizzes as HTML."""

import re
from html import escape

STRESSED = re.compile(r"(?<![\w*])\*([^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])")


def html(text: str) -> str:
    """Text as HTML; what stands between backticks is code, between stars a word with stress."""
    parts = re.split(r"`([^`\n]+)`", escape(text.strip()))
    parts[::2] = [STRESSED.sub(r"<em>\1</em>", part) for part in parts[::2]]
    parts[1::2] = [f"<code>{part}</code>" for part in parts[1::2]]
    return "".join(parts)
