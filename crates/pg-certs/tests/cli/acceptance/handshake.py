"""Handshakes of Python's ssl with the certificates in the directory of the first argument: a server and a
client, each of which verifies the other by the strict rules of RFC 5280, once for each host of the other
arguments."""

import ssl
import sys
from pathlib import Path


def context(name: str, side: int) -> ssl.SSLContext:
    made = ssl.SSLContext(side)
    made.verify_mode = ssl.CERT_REQUIRED
    # The default of Python 3.13 and later.
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    made.load_verify_locations(directory / "ca.crt")
    made.load_cert_chain(directory / f"{name}.crt", directory / f"{name}.key")
    return made


directory = Path(sys.argv[1])
server_context = context("server", ssl.PROTOCOL_TLS_SERVER)
client_context = context("client-alice", ssl.PROTOCOL_TLS_CLIENT)
for host in sys.argv[2:]:
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(down, up, server_hostname=host)
    server = server_context.wrap_bio(up, down, server_side=True)
    pending = [client, server]
    for _ in range(10):
        for side in list(pending):
            try:
                side.do_handshake()
                pending.remove(side)
            except ssl.SSLWantReadError:
                pass
    assert not pending, "the handshake does not end"
    print("accepted", host)
