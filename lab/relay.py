# Copyright: (c) 2026, platform.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets programs outside of the lab's network reach one of its servers, on a port of the loopback address alone.

The listening socket is opened before the program moves into the lab's network, so it stays outside; the connections to
the server are opened after, so they start inside.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def serve(listening: socket.socket, host: str, port: int) -> None:
    async def pair(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))

    server = await asyncio.start_server(pair, sock=listening)
    await server.serve_forever()


def main(netns: Path, local_port: int, host: str, port: int, answer: Path) -> None:
    listening = socket.create_server(("127.0.0.1", local_port))
    with netns.open("rb") as file:
        os.setns(file.fileno(), os.CLONE_NEWNET)
    partial = answer.with_suffix(".new")
    partial.write_text(str(listening.getsockname()[1]))
    partial.replace(answer)
    asyncio.run(serve(listening, host, port))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), Path(sys.argv[5]))
