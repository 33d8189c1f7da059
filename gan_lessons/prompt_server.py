"""Jupyter's server, told to hand on at once what a kernel sends.

The server that reads ``jupyter_server_config.json`` (`make lab` puts it into the environment) takes
its connections from here.
"""

import asyncio

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """A page's connection to its kernel, without Nagle's algorithm (RFC 896).

    With it, a small message waits until the one before is acknowledged, which a browser puts off
    for 40 ms; a panel's picture stands behind such small ones.
    """

    def connect(self) -> asyncio.Future[None] | None:  # type: ignore[override]  # as its parent
        self.websocket_handler.set_nodelay(True)
        return super().connect()
