"""psycopg 3 with the libpq of its wheel.

libpq's trace shows the SQLSTATE of each ErrorResponse before the session, which its error text does not.
"""
import re
import select
import tempfile

import psycopg
from psycopg import pq

from serve import ROWS, conninfo, expect, serve

SQLSTATE = re.compile(rb'^.*\tErrorResponse\t.* C "(\w{5})"', re.MULTILINE)


class NoSession(Exception):
    """libpq's words, and the code of each ErrorResponse on the way."""

    def __init__(self, text, sqlstates):
        super().__init__(text)
        self.sqlstates = sqlstates


def poll_to_the_end(conn):
    """Drives the connection; says whether there is a session."""
    poll = pq.PollingStatus.WRITING
    while poll not in (pq.PollingStatus.OK, pq.PollingStatus.FAILED):
        reading = [conn.socket] if poll == pq.PollingStatus.READING else []
        writing = [conn.socket] if poll == pq.PollingStatus.WRITING else []
        if not any(select.select(reading, writing, [], 10)):
            raise TimeoutError("the server went silent")
        poll = conn.connect_poll()
    return poll == pq.PollingStatus.OK


class Session:
    def __init__(self, request):
        conn = pq.PGconn.connect_start(conninfo(request).encode())
        if conn.status == pq.ConnStatus.BAD:
            raise NoSession(conn.get_error_message(), [])
        with tempfile.TemporaryFile() as trace:
            conn.trace(trace.fileno())
            done = poll_to_the_end(conn)
            conn.untrace()  # writes what it holds back
            trace.seek(0)
            self.sqlstates = [code.decode() for code in SQLSTATE.findall(trace.read())]
        if not done:
            raise NoSession(conn.get_error_message(), self.sqlstates)
        self.conn = psycopg.Connection(conn)
        self.conn.autocommit = True

    def one(self):
        expect("select 1", self.conn.execute("select 1").fetchone(), (1,))

    def prepared(self):
        for value in (41, 1):
            row = self.conn.execute("select %s::int + 1", (value,), prepare=True).fetchone()
            expect("the prepared statement", row, (value + 1,))

    def copy(self, table):
        self.conn.execute(f"create table {table} (a int, b text)")
        with self.conn.cursor() as cursor:
            with cursor.copy(f"copy {table} from stdin") as copy:
                copy.write(ROWS)
            with cursor.copy(f"copy {table} to stdout") as copy:
                expect("the copy", b"".join(copy).decode(), ROWS)
        self.conn.execute(f"drop table {table}")

    def cancel(self, statement):
        conn = self.conn.pgconn
        conn.send_query(statement.encode())
        self.conn.cancel_safe()
        codes = []
        while result := conn.get_result():
            codes.append(result.error_field(pq.DiagnosticField.SQLSTATE))
        return codes == [b"57014"]

    def close(self):
        self.conn.close()


def act(connect, action, request):
    """Adds to the answer what the trace showed."""
    from serve import act as do
    sessions = []

    def remember(request):
        sessions.append(connect(request))
        return sessions[-1]

    answer = do(remember, action, request)
    return answer | {"sqlstates": sessions[0].sqlstates}


def describe(error):
    if isinstance(error, NoSession):
        return {"error": str(error), "sqlstates": error.sqlstates}
    if isinstance(error, TimeoutError):
        return {"timeout": True}
    return {"sqlstate": getattr(error, "sqlstate", None)}


serve(f"psycopg {psycopg.__version__} with libpq {pq.version_pretty(pq.version())}", Session, describe, act)
