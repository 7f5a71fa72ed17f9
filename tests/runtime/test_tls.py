"""The city's own certificate authority: a phone that trusts it reaches the server under every name of the machine."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runtime import tls
from runtime.settings import Settings


def _greeted(settings: Settings, authority: Path, name: str) -> bytes:
    """Open a TLS connection to a server with the city's certificate, trusting only `authority`."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(settings.home / "tls" / "server.crt", settings.home / "tls" / "server.key")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            link, _ = listener.accept()
            try:
                with server.wrap_socket(link, server_side=True) as safe:
                    safe.sendall(b"hello")
            except OSError:
                link.close()

        door = threading.Thread(target=answer)
        door.start()
        try:
            client = ssl.create_default_context(cafile=str(authority))
            with socket.create_connection(listener.getsockname()) as raw, client.wrap_socket(raw, server_hostname=name) as safe:
                return safe.recv(16)
        finally:
            door.join(5)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", socket.gethostname()])
def test_who_trusts_the_authority_trusts_the_server_under_its_names(tmp_path: Path, name: str) -> None:
    settings = Settings(home=tmp_path, tls=True)
    authority = tls.ensure_certificate(settings)
    assert _greeted(settings, authority, name) == b"hello"


def test_another_name_is_not_vouched_for(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, tls=True)
    authority = tls.ensure_certificate(settings)
    with pytest.raises(ssl.SSLCertVerificationError):
        _greeted(settings, authority, "elsewhere.example")


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    tls.ensure_certificate(Settings(home=tmp_path))
    for key in ("ca.key", "server.key"):
        assert (tmp_path / "tls" / key).stat().st_mode & 0o777 == 0o600


def test_the_certificate_stays_until_a_month_before_its_end(tmp_path: Path) -> None:
    settings, now = Settings(home=tmp_path), datetime.now(UTC)
    tls.ensure_certificate(settings, at=now)
    made = {name: (tmp_path / "tls" / name).read_bytes() for name in ("ca.crt", "server.crt")}
    tls.ensure_certificate(settings, at=now + timedelta(days=300))
    assert (tmp_path / "tls" / "server.crt").read_bytes() == made["server.crt"]
    tls.ensure_certificate(settings, at=now + timedelta(days=370))
    assert (tmp_path / "tls" / "server.crt").read_bytes() != made["server.crt"]
    assert (tmp_path / "tls" / "ca.crt").read_bytes() == made["ca.crt"], "phones keep trusting the same authority"
