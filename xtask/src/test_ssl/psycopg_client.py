"""Connects with psycopg's libpq: one conninfo a line on standard input, one JSON object a line on standard output.

libpq's trace shows the SQLSTATE of each ErrorResponse before the session, which its error text does not.
"""
import json
import re
import select
import sys
import tempfile

from psycopg import pq

SQLSTATE = re.compile(rb'^.*\tErrorResponse\t.* C "(\w{5})"', re.MULTILINE)


def poll_to_the_end(conn):
    """Drives the connection; says how it ended, or nothing if the server went silent."""
    poll = pq.PollingStatus.WRITING
    while poll not in (pq.PollingStatus.OK, pq.PollingStatus.FAILED):
        reading = [conn.socket] if poll == pq.PollingStatus.READING else []
        writing = [conn.socket] if poll == pq.PollingStatus.WRITING else []
        if not any(select.select(reading, writing, [], 10)):
            return None
        poll = conn.connect_poll()
    return poll


def session(conn):
    """The answer's fields for a connection that was begun."""
    poll = poll_to_the_end(conn)
    if poll is None:
        return {"timeout": True}
    if poll == pq.PollingStatus.OK and conn.exec_(b"select 1").status == pq.ExecStatus.TUPLES_OK:
        return {"tls": bool(conn.ssl_in_use)}
    return {"error": conn.get_error_message()}


def connect(conninfo):
    conn = pq.PGconn.connect_start(conninfo)
    if conn.status == pq.ConnStatus.BAD:
        return {"error": conn.get_error_message()}
    with tempfile.TemporaryFile() as trace:
        conn.trace(trace.fileno())
        answer = session(conn)
        conn.untrace()  # writes what it holds back
        conn.finish()
        trace.seek(0)
        answer["sqlstates"] = [code.decode() for code in SQLSTATE.findall(trace.read())]
        return answer


for line in sys.stdin:
    print(json.dumps(connect(line.strip().encode())), flush=True)
