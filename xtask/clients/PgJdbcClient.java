// pgjdbc, whose TLS is Java's own. The line protocol is that of README.md.

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import org.postgresql.Driver;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

final class PgJdbcClient {
    private static final String ROWS = "1\tone\n2\t\\N\n";
    private static final List<String> SAME_WORDS =
        List.of("user", "password", "sslmode", "sslrootcert", "sslcert");

    private final Map<String, String> request;

    private PgJdbcClient(Map<String, String> request) {
        this.request = request;
    }

    public static void main(String[] arguments) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        System.out.println("{\"driver\":" + quoted(Driver.getVersion()) + "}");
        System.out.flush();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split("\t");
            Map<String, String> request = new HashMap<>();
            for (int i = 1; i < words.length; i++) {
                int end = words[i].indexOf('=');
                request.put(words[i].substring(0, end), words[i].substring(end + 1));
            }
            System.out.println(new PgJdbcClient(request).answer(words[0]));
            System.out.flush();
        }
    }

    private String answer(String action) {
        try {
            return act(action);
        } catch (Exception error) {
            StringBuilder text = new StringBuilder();
            String state = null;
            for (Throwable cause = error; cause != null; cause = cause.getCause()) {
                text.append(text.length() == 0 ? "" : ": ").append(cause.getMessage());
                if (state == null && cause instanceof SQLException) {
                    state = ((SQLException) cause).getSQLState();
                }
            }
            return "{\"error\":" + quoted(text.toString()) + ",\"sqlstate\":" + quoted(state) + "}";
        }
    }

    private String act(String action) throws Exception {
        String answer = "{\"ok\":true}";
        Connection connection = connect();
        try {
            switch (action) {
                case "reconnect":
                    one(connection);
                    connection.close();
                    connection = connect();
                    break;
                case "prepared":
                    prepared(connection);
                    break;
                case "copy":
                    copy(connection, request.get("table"));
                    break;
                case "cancel":
                    answer = "{\"ok\":true,\"canceled\":" + cancel(connection, request.get("statement")) + "}";
                    break;
                default:
            }
            one(connection);
        } finally {
            connection.close();
        }
        return answer;
    }

    private Connection connect() throws SQLException, IOException {
        Properties properties = new Properties();
        for (String word : SAME_WORDS) {
            if (request.containsKey(word)) {
                properties.setProperty(word, request.get(word));
            }
        }
        properties.setProperty("loginTimeout", "10");
        // A statement is prepared on the server the first time, not the fifth.
        properties.setProperty("prepareThreshold", "1");
        // Settings go into the StartupMessage, and not into a SET afterwards.
        properties.setProperty("assumeMinServerVersion", "9.4");
        // Without it the driver looks for one in the user's home.
        if (!request.containsKey("sslcert")) {
            properties.setProperty("sslcert", "");
        }
        if (request.containsKey("sslkey")) {
            properties.setProperty("sslkey", inDer(Path.of(request.get("sslkey"))).toString());
        }
        String url = "jdbc:postgresql://" + request.get("host") + ":" + request.get("port") + "/" + request.get("dbname");
        return DriverManager.getConnection(url, properties);
    }

    /** The driver reads a private key in DER only. */
    private static Path inDer(Path pem) throws IOException {
        String base64 = Files.readAllLines(pem).stream()
            .filter(line -> !line.startsWith("-----"))
            .collect(Collectors.joining());
        Path der = Files.createTempFile("key", ".pk8");
        der.toFile().deleteOnExit();
        return Files.write(der, Base64.getDecoder().decode(base64));
    }

    private static void one(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
             ResultSet rows = statement.executeQuery("select 1")) {
            rows.next();
            expect("select 1", rows.getInt(1), 1);
        }
    }

    private static void prepared(Connection connection) throws SQLException {
        try (var statement = connection.prepareStatement("select ?::int + 1")) {
            for (int value : new int[] {41, 1}) {
                statement.setInt(1, value);
                try (ResultSet rows = statement.executeQuery()) {
                    rows.next();
                    expect("the prepared statement", rows.getInt(1), value + 1);
                }
            }
        }
    }

    private static void copy(Connection connection, String table) throws SQLException, IOException {
        CopyManager manager = connection.unwrap(PGConnection.class).getCopyAPI();
        StringWriter out = new StringWriter();
        try (Statement statement = connection.createStatement()) {
            statement.execute("create table " + table + " (a int, b text)");
            manager.copyIn("copy " + table + " from stdin", new StringReader(ROWS));
            manager.copyOut("copy " + table + " to stdout", out);
            statement.execute("drop table " + table);
        }
        expect("the copy", out.toString(), ROWS);
    }

    private static boolean cancel(Connection connection, String sql) throws Exception {
        try (Statement statement = connection.createStatement()) {
            CompletableFuture<Boolean> canceled = CompletableFuture.supplyAsync(() -> {
                try {
                    statement.execute(sql);
                    return false;
                } catch (SQLException error) {
                    if ("57014".equals(error.getSQLState())) {
                        return true;
                    }
                    throw new CompletionException(error);
                }
            });
            // The driver sends a CancelRequest only while the statement runs.
            Thread.sleep(200);
            statement.cancel();
            return canceled.get();
        }
    }

    private static void expect(String what, Object seen, Object wanted) {
        if (!seen.equals(wanted)) {
            throw new IllegalStateException(what + " gave " + seen + ", expected " + wanted);
        }
    }

    /** A string of JSON; Java comes without a writer of it. */
    private static String quoted(String text) {
        if (text == null) {
            return "null";
        }
        StringBuilder all = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                all.append('\\').append(c);
            } else if (c < ' ') {
                all.append(String.format("\\u%04x", (int) c));
            } else {
                all.append(c);
            }
        }
        return all.append('"').toString();
    }
}
