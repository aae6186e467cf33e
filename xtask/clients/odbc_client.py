"""psqlODBC, by way of pyodbc; it knows no COPY."""
import os
import threading

import pyodbc

from serve import expect, serve

# What psqlODBC has no word of its own for goes to libpq as it is.
BY_LIBPQ = ("hostaddr", "sslrootcert", "sslcert", "sslkey", "channel_binding")


class Session:
    def __init__(self, request):
        options = " ".join(f"{name}={request[name]}" for name in BY_LIBPQ if name in request)
        address = (f"Driver={os.environ['PSQLODBC']};Servername={request['host']};Port={request['port']};"
                   f"Database={request['dbname']};Username={request['user']};Password={request.get('password', '')};"
                   f"SSLmode={request['sslmode']};pqopt={{{options}}}")
        self.conn = pyodbc.connect(address, autocommit=True, timeout=10)

    def one(self):
        expect("select 1", tuple(self.conn.execute("select 1").fetchone()), (1,))

    def prepared(self):
        cursor = self.conn.cursor()
        for value in (41, 1):
            row = cursor.execute("select cast(? as int) + 1", value).fetchone()
            expect("the prepared statement", tuple(row), (value + 1,))

    def cancel(self, statement):
        cursor = self.conn.cursor()
        timer = threading.Timer(0.2, cursor.cancel)
        timer.start()
        try:
            cursor.execute(statement)
        except pyodbc.Error as error:
            if error.args[0] in ("57014", "HY008"):
                return True
            raise
        finally:
            timer.join()
        return False

    def close(self):
        self.conn.close()


def describe(error):
    state = error.args[0] if isinstance(error, pyodbc.Error) else None
    return {"error": str(error), "sqlstate": state}


DRIVER = os.environ["PSQLODBC"]
if not os.path.isfile(DRIVER):
    raise SystemExit(f"{DRIVER} is absent")
serve(f"psqlODBC by pyodbc {pyodbc.version}", Session, describe)
