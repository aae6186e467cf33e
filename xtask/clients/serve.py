"""The line protocol of README.md for the programs in Python: one request a line, one answer a line.

A program gives `serve` a way to connect; what a connection can do are its methods `one`, `prepared`, `copy`, `cancel`
and `close`.
"""
import json
import sys

ROWS = "1\tone\n2\t\\N\n"
LIBPQ = ("host", "hostaddr", "port", "user", "password", "dbname", "connect_timeout", "sslmode", "sslrootcert", "sslcert",
         "sslkey", "sslnegotiation", "channel_binding")


def conninfo(request):
    return " ".join(f"{name}={request[name]}" for name in LIBPQ if name in request)


def expect(what, seen, wanted):
    if seen != wanted:
        raise AssertionError(f"{what} gave {seen!r}, expected {wanted!r}")


def act(connect, action, request):
    """Does what is asked; gives the fields of the answer."""
    answer = {"ok": True}
    session = connect(request)
    try:
        if action == "reconnect":
            session.one()
            session.close()
            session = connect(request)
        elif action == "prepared":
            session.prepared()
        elif action == "copy":
            session.copy(request["table"])
        elif action == "cancel":
            answer["canceled"] = session.cancel(request["statement"])
        session.one()
    finally:
        session.close()
    return answer


def serve(driver, connect, describe, act=act):
    """Answers until standard input ends; `describe` makes an answer's fields of the driver's exception."""
    print(json.dumps({"driver": driver}), flush=True)
    for line in sys.stdin:
        action, *pairs = line.rstrip("\n").split("\t")
        request = dict(pair.split("=", 1) for pair in pairs)
        try:
            answer = act(connect, action, request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"} | describe(error)
        print(json.dumps(answer), flush=True)
