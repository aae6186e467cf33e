# ruby-pg with the system's libpq. The line protocol is that of README.md.
require 'json'
require 'pg'

ROWS = "1\tone\n2\t\\N\n".freeze
LIBPQ = %w[host hostaddr port user password dbname connect_timeout sslmode sslrootcert sslcert sslkey
           channel_binding].freeze

def expect(what, seen, wanted)
  raise "#{what} gave #{seen.inspect}, expected #{wanted.inspect}" unless seen == wanted
end

def one(conn)
  expect('select 1', conn.exec('select 1').values, [['1']])
end

def prepared(conn)
  conn.prepare('next', 'select $1::int + 1')
  [41, 1].each do |value|
    expect('the prepared statement', conn.exec_prepared('next', [value]).values, [[(value + 1).to_s]])
  end
end

def copy(conn, table)
  conn.exec("create table #{table} (a int, b text)")
  conn.copy_data("copy #{table} from stdin") { conn.put_copy_data(ROWS) }
  seen = +''
  conn.copy_data("copy #{table} to stdout") do
    while (row = conn.get_copy_data)
      seen << row
    end
  end
  expect('the copy', seen, ROWS)
  conn.exec("drop table #{table}")
end

def cancel(conn, statement)
  conn.send_query(statement)
  conn.cancel
  conn.get_last_result
  false
rescue PG::QueryCanceled
  true
end

def act(action, request)
  answer = { ok: true }
  conn = PG.connect(request.slice(*LIBPQ))
  case action
  when 'reconnect'
    one(conn)
    conn.reset
  when 'prepared' then prepared(conn)
  when 'copy' then copy(conn, request['table'])
  when 'cancel' then answer[:canceled] = cancel(conn, request['statement'])
  end
  one(conn)
  answer
ensure
  conn&.close
end

$stdout.sync = true
puts JSON.generate({ driver: "ruby-pg #{PG::VERSION} with libpq #{PG.library_version}" })
$stdin.each_line(chomp: true) do |line|
  action, *pairs = line.split("\t")
  answer =
    begin
      act(action, pairs.to_h { |pair| pair.split('=', 2) })
    rescue StandardError => e
      state = e.is_a?(PG::Error) && e.result ? e.result.error_field(PG::Result::PG_DIAG_SQLSTATE) : nil
      { error: e.message, sqlstate: state }
    end
  puts JSON.generate(answer)
end
