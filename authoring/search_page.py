"""The page that searches all others, in the browser alone: the text of each section is in it.

MiniSearch 7.2.0 does it; it stands in ``live/minisearch`` with its MIT licence.
"""

import json
import re
from collections.abc import Sequence

from authoring.webpage import SEARCH, Sections, page

Document = dict[str, str]
BODY = """<h1>Search</h1>
<form role="search" action="search.html">
<label for="words">Words in any lesson, the glossary or the checklist</label>
<input type="search" id="words" name="q" autofocus>
</form>
<p role="status" id="count">This needs a script, which is in the page; it has not run.</p>
<ol class="found" id="found"></ol>
<script type="application/json" id="documents">{documents}</script>"""


def documents(address: str, title: str, body: str) -> list[Document]:
    """What can be found on a page: each section with its address, title, heading and text.

    What is folded away, answers and solutions, is not found.
    """
    return [
        {
            "id": f"{address}#{section.anchor}",
            "title": title,
            "heading": section.heading.strip() if section.level > 1 else "",
            "text": re.sub(r"\s+", " ", section.text).strip(),
        }
        for section in Sections(body).found
    ]


def search_page(documents: Sequence[Document]) -> str:
    """The page, with the documents in it."""
    data = json.dumps(documents, ensure_ascii=False, separators=(",", ":"))
    body = BODY.format(documents=data.replace("</", r"<\/"))
    return page(*SEARCH, body, last=("minisearch/minisearch", "search"))
