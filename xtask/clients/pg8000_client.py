"""pg8000, written in Python alone; it has neither `sslmode` words nor a cancel."""
import io
import ssl

import pg8000.native

from serve import ROWS, expect, serve


def ssl_context(request):
    """What its manual says for each of libpq's words."""
    mode = request["sslmode"]
    if mode == "disable":
        return False
    if mode == "prefer":
        return None
    context = ssl.create_default_context(cafile=request.get("sslrootcert"))
    context.check_hostname = mode == "verify-full"
    if mode == "require":
        context.verify_mode = ssl.CERT_NONE
    if "sslcert" in request:
        context.load_cert_chain(request["sslcert"], request["sslkey"])
    return context


class Session:
    def __init__(self, request):
        self.conn = pg8000.native.Connection(
            request["user"], host=request["host"], port=int(request["port"]), database=request["dbname"],
            password=request.get("password"), ssl_context=ssl_context(request), timeout=10)

    def one(self):
        expect("select 1", self.conn.run("select 1"), [[1]])

    def prepared(self):
        statement = self.conn.prepare("select cast(:value as int) + 1")
        for value in (41, 1):
            expect("the prepared statement", statement.run(value=value), [[value + 1]])
        statement.close()

    def copy(self, table):
        self.conn.run(f"create table {table} (a int, b text)")
        self.conn.run(f"copy {table} from stdin", stream=io.BytesIO(ROWS.encode()))
        out = io.BytesIO()
        self.conn.run(f"copy {table} to stdout", stream=out)
        expect("the copy", out.getvalue().decode(), ROWS)
        self.conn.run(f"drop table {table}")

    def close(self):
        self.conn.close()


def describe(error):
    fields = error.args[0] if isinstance(error, pg8000.exceptions.DatabaseError) else None
    if isinstance(fields, dict):
        return {"error": fields["M"], "sqlstate": fields["C"]}
    return {"error": f"{error!r} {error.__cause__!r}"}


serve(f"pg8000 {pg8000.__version__}", Session, describe)
