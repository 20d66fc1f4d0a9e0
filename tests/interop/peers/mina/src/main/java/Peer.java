// Peer.java - Apache MINA SSHD as a peer; ../../../../README.md has the command line.
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.KeyPair;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.apache.sshd.client.SshClient;
import org.apache.sshd.client.channel.ChannelExec;
import org.apache.sshd.client.channel.ClientChannelEvent;
import org.apache.sshd.client.keyverifier.AcceptAllServerKeyVerifier;
import org.apache.sshd.client.session.ClientSession;
import org.apache.sshd.common.NamedFactory;
import org.apache.sshd.common.NamedResource;
import org.apache.sshd.common.cipher.BuiltinCiphers;
import org.apache.sshd.common.helpers.AbstractFactoryManager;
import org.apache.sshd.common.kex.BuiltinDHFactories;
import org.apache.sshd.common.keyprovider.FileKeyPairProvider;
import org.apache.sshd.common.mac.BuiltinMacs;
import org.apache.sshd.common.signature.BuiltinSignatures;
import org.apache.sshd.client.ClientBuilder;
import org.apache.sshd.server.Environment;
import org.apache.sshd.server.ExitCallback;
import org.apache.sshd.server.ServerBuilder;
import org.apache.sshd.server.SshServer;
import org.apache.sshd.server.auth.AsyncAuthException;
import org.apache.sshd.server.channel.ChannelSession;
import org.apache.sshd.server.command.Command;
import org.apache.sshd.server.config.keys.AuthorizedKeysAuthenticator;

public final class Peer {
    private static final int PIECE = 32768;

    private static boolean chosen(String name) {
        return !name.equals("-");
    }

    private static <T extends NamedResource> List<T> one(Iterable<T> all, String name) {
        for (T t : all) {
            if (t.getName().equals(name)) {
                return Collections.singletonList(t);
            }
        }
        throw new IllegalArgumentException(name);
    }

    private static void narrow(AbstractFactoryManager m, String[] algs, int at) {
        if (chosen(algs[at + 1])) {
            // first, and not alone: users' signatures are made and checked by the same list
            List<BuiltinSignatures> hostkey = new ArrayList<>(one(BuiltinSignatures.VALUES, algs[at + 1]));
            for (BuiltinSignatures other : BuiltinSignatures.VALUES) {
                if (other.isSupported() && !hostkey.contains(other)) {
                    hostkey.add(other);
                }
            }
            m.setSignatureFactories(new ArrayList<>(hostkey));
        }
        if (chosen(algs[at + 2])) {
            List<BuiltinCiphers> cipher = one(BuiltinCiphers.VALUES, algs[at + 2]);
            m.setCipherFactories(new ArrayList<>(cipher));
        }
        if (chosen(algs[at + 3])) {
            List<BuiltinMacs> mac = one(BuiltinMacs.VALUES, algs[at + 3]);
            m.setMacFactories(new ArrayList<>(mac));
        }
    }

    private static int client(String[] arg) throws Exception {
        SshClient client = SshClient.setUpDefaultClient();
        client.setServerKeyVerifier(AcceptAllServerKeyVerifier.INSTANCE);
        client.setHostConfigEntryResolver(org.apache.sshd.client.config.hosts.HostConfigEntryResolver.EMPTY);
        if (chosen(arg[4])) {
            client.setKeyExchangeFactories(NamedFactory.setUpTransformedFactories(false,
                one(BuiltinDHFactories.VALUES, arg[4]), ClientBuilder.DH2KEX));
        }
        narrow(client, arg, 4);
        client.start();
        KeyPair key = new FileKeyPairProvider(Paths.get(arg[3])).loadKeys(null).iterator().next();
        try (ClientSession s = client.connect(arg[2], "127.0.0.1", Integer.parseInt(arg[1])).verify(30000).getSession()) {
            s.addPublicKeyIdentity(key);
            s.auth().verify(30000);
            try (ChannelExec c = s.createExecChannel("cat")) {
                c.setIn(System.in);
                c.setOut(System.out);
                c.setErr(System.err);
                c.open().verify(30000);
                c.waitFor(EnumSet.of(ClientChannelEvent.CLOSED), 0L);
                System.out.flush();
                return c.getExitStatus() == null ? 255 : c.getExitStatus();
            }
        } finally {
            client.stop();
        }
    }

    private static final class Echo implements Command, Runnable {
        private InputStream in;
        private OutputStream out;
        private ExitCallback done;

        @Override
        public void setInputStream(InputStream in) {
            this.in = in;
        }

        @Override
        public void setOutputStream(OutputStream out) {
            this.out = out;
        }

        @Override
        public void setErrorStream(OutputStream err) {
        }

        @Override
        public void setExitCallback(ExitCallback callback) {
            done = callback;
        }

        @Override
        public void start(ChannelSession channel, Environment env) {
            new Thread(this).start();
        }

        @Override
        public void destroy(ChannelSession channel) {
        }

        @Override
        public void run() {
            byte[] buf = new byte[PIECE];
            try {
                for (int n = in.read(buf); n > 0; n = in.read(buf)) {
                    out.write(buf, 0, n);
                    out.flush();
                }
                done.onExit(0);
            } catch (IOException e) {
                done.onExit(1, e.toString());
            }
        }
    }

    private static int server(String[] arg) throws Exception {
        SshServer server = SshServer.setUpDefaultServer();
        Path authorized = Paths.get(arg[2]);
        AuthorizedKeysAuthenticator keys = new AuthorizedKeysAuthenticator(authorized);
        server.setHost("127.0.0.1");
        server.setKeyPairProvider(new FileKeyPairProvider(Paths.get(arg[1])));
        server.setPublickeyAuthenticator((user, key, session) -> {
            try {
                return keys.authenticate(user, key, session);
            } catch (AsyncAuthException e) {
                return false;
            }
        });
        server.setCommandFactory((channel, command) -> new Echo());
        if (chosen(arg[3])) {
            server.setKeyExchangeFactories(NamedFactory.setUpTransformedFactories(false,
                one(BuiltinDHFactories.VALUES, arg[3]), ServerBuilder.DH2KEX));
        }
        narrow(server, arg, 3);
        server.start();
        System.out.println("port " + server.getPort());
        System.out.flush();
        while (System.in.read() >= 0) {
            continue;
        }
        server.stop(true);
        return 0;
    }

    public static void main(String[] arg) throws Exception {
        int code = arg[0].equals("client") ? client(arg) : server(arg);
        System.exit(code);
    }
}
