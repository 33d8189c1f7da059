"""Links that bring a lesson to a learner of a JupyterHub: nbgitpuller fetches it, and opens it.

A learner's own changes stay: nbgitpuller merges what is new in the repository into the copy.
"""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from authoring.source import SOURCES, read, sources
from gan_lessons.errors import UserError


def links(
    hub: str, repository: str, branch: str, names: Sequence[str] = (), folder: Path = SOURCES
) -> list[str]:
    """Return a line of Markdown for each lesson: its title, linked.

    Args:
        hub: the address of the JupyterHub, such as "https://hub.example.org".
        repository: the address to clone, such as "https://git.example.org/gan-lessons.git".
        branch: of the repository.
        names: lessons by their two digits; none means all.
        folder: where the lessons' sources are.

    Raises:
        UserError: an address is none, or there is no such lesson.
    """
    for name, address in (("hub", hub), ("repository", repository)):
        parts = urlsplit(address)
        if not (parts.scheme and parts.netloc) or parts.query or parts.fragment:
            raise UserError(f"The {name} is {address!r}; an address such as https://… is wanted.")
    clone = urlsplit(repository).path.rstrip("/").rpartition("/")[2].removesuffix(".git")
    lines = []
    for path in sources(names, folder):
        lesson = read(path)
        place = f"lab/tree/{clone}/notebooks/{lesson.notebook.name}"
        asked = urlencode(
            {"repo": repository, "branch": branch, "targetpath": clone, "urlpath": place}
        )
        link = f"{hub.rstrip('/')}/hub/user-redirect/git-pull?{asked}"
        lines.append(f"- [{lesson.name} {lesson.title}]({link})")
    return lines
