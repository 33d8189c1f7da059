"""What every panel shares: a still picture of it stays in the saved notebook."""

import base64
from typing import Any

import ipywidgets


class Panel(ipywidgets.VBox):  # type: ignore[misc]
    """A box of widgets whose MIME bundle carries a picture and words beside the live view.

    Code hosts and HTML pages show these; a front end with a kernel prefers the live view. A panel
    defines `png` and `_alt_text`, and `_plain_text` where other words are to stand for it.
    """

    @property
    def png(self) -> bytes:
        """The picture as it is now, for the saved notebook."""
        raise NotImplementedError

    def _alt_text(self) -> str:
        """What the picture shows, for those who cannot see it."""
        raise NotImplementedError

    def _plain_text(self) -> str:
        """What stands for the panel where there are no pictures."""
        return self._alt_text()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle: dict[str, Any] = dict(super()._repr_mimebundle_(**kwargs) or {})
        bundle["text/plain"] = self._plain_text()
        bundle["image/png"] = base64.b64encode(self.png).decode("ascii")
        return bundle, {"image/png": {"alt": self._alt_text()}}
