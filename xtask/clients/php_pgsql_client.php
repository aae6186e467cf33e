<?php
// PHP's pgsql extension with the system's libpq. The line protocol is that of README.md.

const ROWS = ["1\tone\n", "2\t\\N\n"];
const LIBPQ = ['host', 'hostaddr', 'port', 'user', 'password', 'dbname', 'connect_timeout', 'sslmode', 'sslrootcert',
    'sslcert', 'sslkey', 'channel_binding'];

// The extension warns where it should throw.
set_error_handler(function (int $level, string $text): never {
    throw new ErrorException($text, 0, $level);
});

function expect(string $what, mixed $seen, mixed $wanted): void
{
    if ($seen !== $wanted) {
        throw new RuntimeException("$what gave " . json_encode($seen) . ', expected ' . json_encode($wanted));
    }
}

function connect(array $request): PgSql\Connection
{
    $words = [];
    foreach (array_intersect_key($request, array_flip(LIBPQ)) as $name => $value) {
        $words[] = "$name=$value";
    }
    return pg_connect(implode(' ', $words), PGSQL_CONNECT_FORCE_NEW);
}

function one(PgSql\Connection $conn): void
{
    expect('select 1', pg_fetch_all_columns(pg_query($conn, 'select 1')), ['1']);
}

function prepared(PgSql\Connection $conn): void
{
    pg_prepare($conn, 'next', 'select $1::int + 1');
    foreach ([41, 1] as $value) {
        $row = pg_fetch_row(pg_execute($conn, 'next', [$value]));
        expect('the prepared statement', $row, [(string) ($value + 1)]);
    }
}

function copy_both_ways(PgSql\Connection $conn, string $table): void
{
    pg_query($conn, "create table $table (a int, b text)");
    pg_query($conn, "copy $table from stdin");
    foreach ([...ROWS, "\\.\n"] as $line) {
        pg_put_line($conn, $line);
    }
    pg_end_copy($conn);
    expect('the copy', pg_copy_to($conn, $table), ROWS);
    pg_query($conn, "drop table $table");
}

/** The extension drops the canceled statement's result; how soon that came shows how the statement ended. */
function cancel(PgSql\Connection $conn, string $statement, float $seconds): bool
{
    $start = microtime(true);
    pg_send_query($conn, $statement);
    pg_cancel_query($conn);
    return microtime(true) - $start < $seconds;
}

function act(string $action, array $request): array
{
    $answer = ['ok' => true];
    $conn = connect($request);
    switch ($action) {
        case 'reconnect':
            one($conn);
            pg_close($conn);
            $conn = connect($request);
            break;
        case 'prepared':
            prepared($conn);
            break;
        case 'copy':
            copy_both_ways($conn, $request['table']);
            break;
        case 'cancel':
            $answer['canceled'] = cancel($conn, $request['statement'], (float) $request['seconds']);
            break;
    }
    one($conn);
    pg_close($conn);
    return $answer;
}

echo json_encode(['driver' => 'php-pgsql ' . phpversion('pgsql')]), "\n";
while (($line = fgets(STDIN)) !== false) {
    $words = explode("\t", rtrim($line, "\n"));
    $action = array_shift($words);
    $request = [];
    foreach ($words as $word) {
        [$name, $value] = explode('=', $word, 2);
        $request[$name] = $value;
    }
    try {
        $answer = act($action, $request);
    } catch (Throwable $error) {
        $answer = ['error' => $error->getMessage(), 'sqlstate' => null];
    }
    echo json_encode($answer, JSON_INVALID_UTF8_SUBSTITUTE), "\n";
}
