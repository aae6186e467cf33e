import java.io.FileInputStream;
import java.io.InputStream;
import java.net.Socket;
import java.security.KeyStore;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.X509CertSelector;
import java.util.EnumSet;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * Connects by SSLRequest to localhost, port args[1], trusting the authority in args[0]. The certificate must not
 * be revoked, which only OCSP may tell. Prints "stapled", or "refused: " and why.
 */
public class StapledClient {
    private static final byte[] SSL_REQUEST = {0, 0, 0, 8, 4, (byte) 210, 22, 47};

    public static void main(String[] args) throws Exception {
        System.setProperty("jdk.tls.client.enableStatusRequestExtension", "true");
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (InputStream file = new FileInputStream(args[0])) {
            trusted.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        PKIXRevocationChecker checker =
                (PKIXRevocationChecker) CertPathBuilder.getInstance("PKIX").getRevocationChecker();
        checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK));
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(trusted, new X509CertSelector());
        parameters.addCertPathChecker(checker);
        TrustManagerFactory managers = TrustManagerFactory.getInstance("PKIX");
        managers.init(new CertPathTrustManagerParameters(parameters));
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);

        try (Socket plain = new Socket("127.0.0.1", Integer.parseInt(args[1]))) {
            plain.getOutputStream().write(SSL_REQUEST);
            if (plain.getInputStream().read() != 'S') {
                throw new IllegalStateException("the server offers no TLS");
            }
            SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(plain, "localhost", 5432, true);
            SSLParameters verify = socket.getSSLParameters();
            verify.setEndpointIdentificationAlgorithm("HTTPS");
            socket.setSSLParameters(verify);
            socket.startHandshake();
            System.out.println("stapled");
        } catch (SSLHandshakeException refused) {
            System.out.println("refused: " + refused.getMessage());
        }
    }
}
