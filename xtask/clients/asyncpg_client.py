"""asyncpg, whose TLS is Python's own."""
import asyncio
import io
import time
from urllib.parse import urlencode

import asyncpg

from serve import ROWS, expect, serve

LOOP = asyncio.new_event_loop()
IN_ADDRESS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "sslnegotiation")


def run(what):
    return LOOP.run_until_complete(asyncio.wait_for(what, 15))


class Session:
    def __init__(self, request):
        self.seconds = float(request.get("seconds", 0))
        query = urlencode({name: request[name] for name in IN_ADDRESS if name in request})
        address = f"postgresql://{request['user']}@{request['host']}:{request['port']}/{request['dbname']}?{query}"
        self.conn = run(asyncpg.connect(address, password=request.get("password"), timeout=10))

    def one(self):
        expect("select 1", run(self.conn.fetchval("select 1")), 1)

    def prepared(self):
        statement = run(self.conn.prepare("select $1::int + 1"))
        for value in (41, 1):
            expect("the prepared statement", run(statement.fetchval(value)), value + 1)

    def copy(self, table):
        run(self.conn.execute(f"create table {table} (a int, b text)"))
        run(self.conn.copy_to_table(table, source=io.BytesIO(ROWS.encode())))
        out = io.BytesIO()
        run(self.conn.copy_from_table(table, output=out))
        expect("the copy", out.getvalue().decode(), ROWS)
        run(self.conn.execute(f"drop table {table}"))

    def cancel(self, statement):
        """asyncpg sends its CancelRequest when a time limit is met.

        It hides how the statement ended; how soon the next one may run shows it.
        """
        start = time.monotonic()
        try:
            run(self.conn.execute(statement, timeout=0.2))
        except TimeoutError:
            self.one()
            return time.monotonic() - start < self.seconds
        return False

    def close(self):
        run(self.conn.close())


def describe(error):
    return {"sqlstate": getattr(error, "sqlstate", None)}


serve(f"asyncpg {asyncpg.__version__}", Session, describe)
