// Handshakes of Java's JSSE with the certificates in the directory of the first argument: a server and a
// client, each of which verifies the other, once for each host of the other arguments.

import java.io.ByteArrayInputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class Handshake {
    static Path directory;

    public static void main(String[] arguments) throws Exception {
        directory = Path.of(arguments[0]);
        SSLContext server = context("server");
        SSLContext client = context("client-alice");
        for (int at = 1; at < arguments.length; at++) {
            handshake(server, client, arguments[at]);
            System.out.println("accepted " + arguments[at]);
        }
    }

    static void handshake(SSLContext server, SSLContext client, String host) throws Exception {
        InetAddress loopback = InetAddress.getByName("127.0.0.1");
        try (SSLServerSocket listener =
                (SSLServerSocket) server.getServerSocketFactory().createServerSocket(0, 1, loopback)) {
            listener.setNeedClientAuth(true);
            CompletableFuture<Void> served = CompletableFuture.runAsync(() -> {
                try (SSLSocket socket = (SSLSocket) listener.accept()) {
                    socket.getOutputStream().write('x');
                } catch (Exception error) {
                    throw new RuntimeException(error);
                }
            });
            Socket plain = new Socket(loopback, listener.getLocalPort());
            try (SSLSocket socket = (SSLSocket) client.getSocketFactory()
                    .createSocket(plain, host, listener.getLocalPort(), true)) {
                SSLParameters parameters = socket.getSSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                socket.setSSLParameters(parameters);
                if (socket.getInputStream().read() != 'x') {
                    throw new IllegalStateException("no answer");
                }
            }
            served.get();
        }
    }

    static SSLContext context(String name) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        trusted.setCertificateEntry("ca", factory.generateCertificate(file("ca.crt")));
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);

        Certificate[] chain = factory.generateCertificates(file(name + ".crt")).toArray(new Certificate[0]);
        String pem = Files.readString(directory.resolve(name + ".key"));
        byte[] key = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
        KeyStore own = KeyStore.getInstance(KeyStore.getDefaultType());
        own.load(null, null);
        own.setKeyEntry("own", KeyFactory.getInstance(chain[0].getPublicKey().getAlgorithm())
                .generatePrivate(new PKCS8EncodedKeySpec(key)), new char[0], chain);
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(own, new char[0]);

        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    static ByteArrayInputStream file(String name) throws Exception {
        return new ByteArrayInputStream(Files.readAllBytes(directory.resolve(name)));
    }
}
