"""One API process: uvicorn on a socket that the supervisor opened, or on the configured host and port."""

import argparse
import socket

import uvicorn

from api.patience import PatientProtocol
from runtime.settings import Settings, from_environment


def main() -> None:
    """Serve until SIGTERM; open requests get a few seconds, then sockets are closed."""
    parser = argparse.ArgumentParser(prog="api.serve")
    parser.add_argument("--fd", type=int, help="number of an inherited listening socket")
    inherited: int | None = parser.parse_args().fd
    settings = from_environment()
    sockets = None if inherited is None else [socket.socket(fileno=inherited)]
    uvicorn.Server(_config(settings)).run(sockets=sockets)


def _config(settings: Settings) -> uvicorn.Config:
    tls = settings.home / "tls"
    return uvicorn.Config(
        "api.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=PatientProtocol,
        ws="websockets-sansio",
        ws_max_size=1 << 20,
        ws_per_message_deflate=False,  # packing one update for each of its viewers costs more than all the rest
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        ssl_certfile=tls / "server.crt" if settings.tls else None,
        ssl_keyfile=tls / "server.key" if settings.tls else None,
    )


if __name__ == "__main__":
    main()
