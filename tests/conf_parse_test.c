/*
 * conf_parse_test.c - the configuration: every keyword, every keyword of sshd that is
 * refused, files in files, quotes, and that each error names file and line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <postern.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "apps/account_pam.h"
#include "apps/conf.h"
#include "apps/conf_number.h"

static char dir[] = "/tmp/conf_test.XXXXXX";
static struct conf conf;
static char *said;
static size_t said_len;

static void write_file(const char *name, const char *text, size_t len)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static void forget(void)
{
	conf_free(&conf);
	free(said);
	said = NULL;
}

/* Reads text as a file; the number of errors, defaults filled in when there are none. */
static unsigned read_bytes(const char *text, size_t len)
{
	char path[256];
	FILE *out;
	unsigned errors;

	forget();
	write_file("conf", text, len);
	snprintf(path, sizeof(path), "%s/conf", dir);
	out = open_memstream(&said, &said_len);
	conf_new(&conf);
	errors = conf_read_file(&conf, path, dir, out);
	if (errors == 0)
		errors = conf_finish_defaults(&conf, out);
	fclose(out);
	return errors;
}

static unsigned read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

static void good(const char *text)
{
	unsigned errors = read_text(text);

	if (errors != 0)
		print_error("%s", said);
	assert_int_equal(errors, 0);
	assert_string_equal(said, "");
}

/* One error, in the given line, with the given words in it. */
static void bad(const char *text, unsigned line, const char *words)
{
	char at[300];

	assert_int_equal(read_text(text), 1);
	snprintf(at, sizeof(at), "%s/conf:%u: ", dir, line);
	if (strstr(said, at) != said || strstr(said, words) == NULL)
		print_error("%s", said);
	assert_ptr_equal(strstr(said, at), said);
	assert_non_null(strstr(said, words));
}

static void defaults_are_sshds(void **s)
{
	(void)s;
	good("");
	assert_int_equal(conf.ports.n, 1);
	assert_string_equal(conf.ports.v[0], "22");
	assert_int_equal(conf.listen.n, 0);
	assert_int_equal(conf.host_keys.n, 0);
	assert_null(conf.host_key_agent);
	assert_int_equal(conf.login_grace, 120);
	assert_int_equal(conf.max_auth_tries, 6);
	assert_int_equal(conf.max_sessions, 10);
	assert_int_equal(conf.max_startups.begin, 10);
	assert_int_equal(conf.max_startups.rate, 30);
	assert_int_equal(conf.max_startups.full, 100);
	assert_int_equal(conf.source_startups, 0);
	assert_int_equal(conf.source_bits.ipv4, 32);
	assert_int_equal(conf.source_bits.ipv6, 128);
	assert_int_equal(conf.alive_interval, 0);
	assert_int_equal(conf.alive_max, 3);
	assert_true(conf.tcp_keepalive);
	assert_int_equal(conf.root_login, CONF_ROOT_NO_PASSWORD);
	assert_true(conf.pubkey && conf.password && conf.interactive && conf.strict_modes);
	assert_int_equal(conf.keys_files.n, 2);
	assert_string_equal(conf.keys_files.v[1], ".ssh/authorized_keys2");
	assert_null(conf.password_file);
	assert_null(conf.force_command);
	assert_null(conf.banner);
	assert_true(conf.print_motd && conf.permit_tty);
	assert_int_equal(conf.accept_env.n, 0);
	assert_int_equal(conf.subsystems.n, 0);
	assert_int_equal(conf.rekey_limit.bytes, 0);
	assert_int_equal(conf.rekey_quota.burst, 32);
	assert_int_equal(conf.rekey_quota.per_second, 2);
	assert_int_equal(conf.log_facility, LOG_AUTH);
	assert_false(conf.disable_forwarding || conf.x11_forwarding || conf.streamlocal_unlink);
	assert_int_equal(conf.tcp_forwarding, CONF_FORWARD_ALL);
	assert_int_equal(conf.streamlocal_forwarding, CONF_FORWARD_ALL);
	assert_true(conf.agent_forwarding && conf.x11_localhost && conf.compression);
	assert_int_equal(conf.x11_offset, 10);
	assert_string_equal(conf.xauth, "/usr/bin/xauth");
	assert_int_equal(conf.gateway_ports, CONF_GATEWAY_NO);
	assert_int_equal(conf.streamlocal_mask, 0177);
	assert_string_equal(conf.user_environment, "no");
	assert_true(conf.user_rc && !conf.empty_passwords && conf.pubkey_options == 0);
	assert_int_equal(conf.permit_open.n + conf.permit_listen.n, 2);
	assert_string_equal(conf.permit_open.v[0], "any");
	assert_string_equal(conf.permit_listen.v[0], "any");
	assert_non_null(strstr(conf.kex, "curve25519-sha256"));
}

static void every_keyword_takes_its_value(void **s)
{
	(void)s;
	good("Port 2200\nPort 2201\nListenAddress 127.0.0.1:99\nListenAddress [::1]:98\n"
	    "HostKey /a\nHostKey /b\nHostCertificate /c\nHostKeyAgent SSH_AUTH_SOCK\n"
	    "LoginGraceTime 1m30s\nMaxAuthTries 3\nMaxSessions 0\n"
	    "MaxStartups 5:50:60\nPerSourceMaxStartups 7\nPerSourceNetBlockSize 24:56\nClientAliveInterval 15\nClientAliveCountMax 0\n"
	    "TCPKeepAlive no\nPermitRootLogin no\nPubkeyAuthentication yes\n"
	    "PasswordAuthentication no\nKbdInteractiveAuthentication yes\n"
	    "AuthenticationMethods publickey,keyboard-interactive publickey\n"
	    "StrictModes no\nExposeAuthInfo yes\nAuthorizedKeysFile /k/%u none\n"
	    "AuthorizedKeysCommand /keys \"a b\" %u%% %C%D%f%h%k%t%U\nAuthorizedKeysCommandUser eve\n"
	    "AuthorizedPrincipalsCommand /names %F%i%K%s%T\nAuthorizedPrincipalsCommandUser eve\n"
	    "PasswordFile /p\n"
	    "RevokedKeys /krl\nTrustedUserCAKeys /ca\nAuthorizedPrincipalsFile .ssh/%u\nCASignatureAlgorithms ssh-ed25519\n"
	    "AllowUsers a b@10.0.0.0/8\nAllowUsers c\nDenyUsers d\nAllowGroups e\nDenyGroups f\n"
	    "PrintMotd no\nPermitTTY no\nPermitUserEnvironment LANG,LC_*\nPermitUserRC no\n"
	    "UsePAM no\nPAMServiceName x\nPermitEmptyPasswords yes\nPubkeyAuthOptions Touch-Required verify-required\nAcceptEnv LANG LC_*\n"
	    "AcceptEnv X\nSetEnv A=1 \"B=2 3\"\nForceCommand /bin/echo \"a  b\" # c\n"
	    "Subsystem sftp /usr/lib/openssh/sftp-server -l INFO\nBanner /etc/issue\nVersionAddendum my-host, 2nd\n"
	    "PidFile /tmp/p\nModuliFile /m\nLogLevel DEBUG3\nSyslogFacility LOCAL7\n"
	    "KexAlgorithms curve25519-sha256\nHostKeyAlgorithms ssh-ed25519\n"
	    "PubkeyAcceptedAlgorithms ssh-ed25519\nRequiredRSASize 3072\nCiphers ^aes256-ctr\nMACs -hmac-sha2-256\n"
	    "AlgorithmPreset compat\nRekeyLimit 1G 1h\nRekeyQuota 100 10\nCompression no\nDisableForwarding yes\n"
	    "AllowTcpForwarding local\nAllowStreamLocalForwarding remote\n"
	    "AllowAgentForwarding no\nX11Forwarding yes\nX11DisplayOffset 0\nX11UseLocalhost no\n"
	    "XAuthLocation none\nGatewayPorts clientspecified\nPermitOpen a:1 [::1]:* *:80\nPermitOpenAddress 10.0.0.0/8\n"
	    "PermitListen 8080 *.example.org:* localhost:22\nStreamLocalBindMask 0117\n"
	    "StreamLocalBindUnlink yes\n");
	assert_string_equal(conf.version_addendum, "my-host, 2nd");
	assert_string_equal(conf.user_environment, "LANG,LC_*");
	assert_true(!conf.user_rc && conf.empty_passwords);
	assert_int_equal(conf.pubkey_options, CONF_TOUCH_REQUIRED | CONF_VERIFY_REQUIRED);
	assert_true(conf.disable_forwarding && conf.x11_forwarding && conf.streamlocal_unlink);
	assert_false(conf.agent_forwarding || conf.x11_localhost || conf.compression);
	assert_int_equal(conf.tcp_forwarding, CONF_FORWARD_LOCAL);
	assert_int_equal(conf.streamlocal_forwarding, CONF_FORWARD_REMOTE);
	assert_int_equal(conf.x11_offset, 0);
	assert_null(conf.xauth);
	assert_int_equal(conf.gateway_ports, CONF_GATEWAY_CLIENT);
	assert_int_equal(conf.permit_open.n, 3);
	assert_string_equal(conf.permit_open.v[1], "[::1]:*");
	assert_string_equal(conf.permit_open_address, "10.0.0.0/8");
	assert_int_equal(conf.permit_listen.n, 3);
	assert_int_equal(conf.streamlocal_mask, 0117);
	assert_int_equal(conf.ports.n, 2);
	assert_int_equal(conf.listen.n, 2);
	assert_int_equal(conf.host_keys.n, 2);
	assert_string_equal(conf.host_key_agent, "SSH_AUTH_SOCK");
	assert_int_equal(conf.login_grace, 90);
	assert_int_equal(conf.max_auth_tries, 3);
	assert_int_equal(conf.max_sessions, 0);
	assert_int_equal(conf.max_startups.full, 60);
	assert_int_equal(conf.source_startups, 7);
	assert_int_equal(conf.source_bits.ipv4, 24);
	assert_int_equal(conf.source_bits.ipv6, 56);
	assert_int_equal(conf.alive_interval, 15);
	assert_int_equal(conf.alive_max, 0);
	assert_false(conf.tcp_keepalive || conf.password || conf.strict_modes);
	assert_int_equal(conf.root_login, CONF_ROOT_NO);
	assert_int_equal(conf.methods.n, 2);
	assert_string_equal(conf.keys_files.v[0], "/k/%u");
	assert_string_equal(conf.password_file, "/p");
	assert_int_equal(conf.allow_users.n, 3);
	assert_string_equal(conf.allow_users.v[2], "c");
	assert_int_equal(conf.deny_users.n + conf.allow_groups.n + conf.deny_groups.n, 3);
	assert_false(conf.print_motd || conf.permit_tty);
	assert_int_equal(conf.accept_env.n, 3);
	assert_int_equal(conf.set_env.n, 2);
	assert_string_equal(conf.set_env.v[1], "B=2 3");
	assert_string_equal(conf.force_command, "/bin/echo \"a  b\" # c");
	assert_string_equal(conf_subsystem(&conf, "sftp"), "/usr/lib/openssh/sftp-server -l INFO");
	assert_null(conf_subsystem(&conf, "sft"));
	assert_string_equal(conf.banner, "/etc/issue");
	assert_string_equal(conf.pid_file, "/tmp/p");
	assert_string_equal(conf.moduli_file, "/m");
	assert_int_equal(conf.log_facility, LOG_LOCAL7);
	assert_string_equal(conf.kex, "curve25519-sha256");
	assert_ptr_equal(strstr(conf.ciphers, "aes256-ctr,"), conf.ciphers);
	assert_null(strstr(conf.macs, "hmac-sha2-256,"));
	assert_int_equal(conf.rsa_bits, 3072);
	assert_int_equal(conf.rekey_limit.bytes, 1 << 30);
	assert_int_equal(conf.rekey_limit.seconds, 3600);
	assert_int_equal(conf.rekey_quota.burst, 100);
	for (size_t i = 0; i < CONF_ROWS; i++)
		assert_true(conf.set[i]);
}

static void the_first_line_wins(void **s)
{
	(void)s;
	good("PermitRootLogin yes\nPermitRootLogin no\nBanner /a\nBanner /b\nMaxAuthTries 2\n"
	    "MaxAuthTries 9\nSetEnv A=1\nSetEnv B=2\nAuthorizedKeysFile /a\nAuthorizedKeysFile /b\n"
	    "RekeyLimit 1M\nRekeyLimit 2M\nForceCommand a\nForceCommand b\nLogLevel ERROR\n"
	    "LogLevel DEBUG\n");
	assert_int_equal(conf.root_login, CONF_ROOT_YES);
	assert_string_equal(conf.banner, "/a");
	assert_int_equal(conf.max_auth_tries, 2);
	assert_int_equal(conf.set_env.n, 1);
	assert_int_equal(conf.keys_files.n, 1);
	assert_int_equal(conf.rekey_limit.bytes, 1 << 20);
	assert_string_equal(conf.force_command, "a");
	/* a line that comes too late must be right all the same */
	bad("PermitRootLogin yes\nPermitRootLogin perhaps\n", 2, "perhaps");
}

static void every_other_keyword_of_sshd_is_refused_by_name_and_line(void **s)
{
	(void)s;
	assert_true(conf_refused_count > 50);
	for (size_t i = 0; i < conf_refused_count; i++) {
		char text[200];

		assert_null(conf_row_find(conf_refused[i].name));
		snprintf(text, sizeof(text), "# one\n\n%s perhaps\n", conf_refused[i].name);
		if (conf_asks_for_nothing(conf_refused[i].name, "perhaps"))
			continue;
		bad(text, 3, conf_refused[i].name);
		if (conf_refused[i].instead != NULL)
			assert_non_null(strstr(said, conf_refused[i].instead));
	}
	/* as they stand in files */
	bad("PermitTunnel yes\n", 1, "PermitTunnel");
	bad("permittunnel yes\n", 1, "PermitTunnel");
	bad("Protocol 2,1\n", 1, "Protocol");
	bad("Protocol\n", 1, "Protocol");
	bad("IgnoreRhosts\n", 1, "IgnoreRhosts");
	bad("UseDNS yes\n", 1, "UseDNS");
	bad("ChrootDirectory /srv\n", 1, "ChrootDirectory");
	bad("HostbasedAuthentication yes\n", 1, "HostbasedAuthentication");
	bad("PrintLastLog yes\n", 1, "pam_lastlog");
	bad("LogVerbose kex.c:*\n", 1, "LogVerbose");
}

/* What sshd knows by an older name too does here what it does there: above all, its "no"
 * switches off. */
static void older_names_have_their_effect(void **s)
{
	(void)s;
	good("SkeyAuthentication no\n");
	assert_false(conf.interactive);
	good("ChallengeResponseAuthentication no\nKbdInteractiveAuthentication yes\n");
	assert_false(conf.interactive);
	good("KbdInteractiveAuthentication yes\nskeyauthentication no\n");
	assert_true(conf.interactive);
	good("DSAAuthentication no\n");
	assert_false(conf.pubkey);
	good("KeepAlive no\n");
	assert_false(conf.tcp_keepalive);
	good("PubkeyAcceptedKeyTypes ssh-ed25519\n");
	assert_string_equal(conf.pubkey_algorithms, "ssh-ed25519");
	good("HostDSAKey /a\nHostKey /b\n");
	assert_int_equal(conf.host_keys.n, 2);
	bad("SkeyAuthentication perhaps\n", 1, "KbdInteractiveAuthentication");
	assert_false(conf_asks_for_nothing("SkeyAuthentication", "no"));
}

/* A file that spells out every default of sshd 9.2, as its -T prints them, and those of
 * newer ones.  What is not taken of them, and why, is the list below. */
static void every_default_of_sshd_is_taken(void **s)
{
	static const char whole[] =
	    "Port 22\nAddressFamily any\nListenAddress [::]:22\nListenAddress 0.0.0.0:22\nUsePAM no\n"
	    "LoginGraceTime 120\nX11DisplayOffset 10\nMaxAuthTries 6\nMaxSessions 10\n"
	    "ClientAliveInterval 0\nClientAliveCountMax 3\nStreamLocalBindMask 0177\n"
	    "UnusedConnectionTimeout none\nChannelTimeout none\nPermitRootLogin without-password\n"
	    "IgnoreRhosts yes\nIgnoreUserKnownHosts no\nHostbasedAuthentication no\n"
	    "HostbasedUsesNameFromPacketOnly no\nPubkeyAuthentication yes\nKerberosAuthentication no\n"
	    "KerberosOrLocalPasswd yes\nKerberosTicketCleanup yes\nGSSAPIAuthentication no\n"
	    "GSSAPICleanupCredentials yes\nGSSAPIKeyExchange no\nGSSAPIStrictAcceptorCheck yes\n"
	    "GSSAPIStoreCredentialsOnRekey no\nGSSAPIKexAlgorithms gss-group14-sha256-\n"
	    "PasswordAuthentication yes\nKbdInteractiveAuthentication yes\nPrintMotd yes\n"
	    "X11Forwarding no\nX11UseLocalhost yes\nPermitTTY yes\nPermitUserRC yes\nStrictModes yes\n"
	    "TCPKeepAlive yes\nPermitEmptyPasswords no\nCompression yes\nGatewayPorts no\nUseDNS no\n"
	    "AllowTcpForwarding yes\nAllowAgentForwarding yes\nDisableForwarding no\n"
	    "AllowStreamLocalForwarding yes\nStreamLocalBindUnlink no\nFingerprintHash SHA256\n"
	    "ExposeAuthInfo no\nPidFile /run/sshd.pid\nModuliFile /etc/ssh/moduli\n"
	    "XAuthLocation /usr/bin/xauth\nBanner none\nForceCommand none\nChrootDirectory none\n"
	    "TrustedUserCAKeys none\nRevokedKeys none\nSecurityKeyProvider internal\n"
	    "AuthorizedPrincipalsFile none\nVersionAddendum none\nAuthorizedKeysCommand none\n"
	    "AuthorizedKeysCommandUser none\nAuthorizedPrincipalsCommand none\n"
	    "AuthorizedPrincipalsCommandUser none\nHostKeyAgent none\n"
	    "HostbasedAcceptedAlgorithms ssh-ed25519\nLogLevel INFO\nLogVerbose none\n"
	    "SyslogFacility AUTH\nAuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2\n"
	    "HostKey /etc/ssh/ssh_host_rsa_key\nHostKey /etc/ssh/ssh_host_ecdsa_key\n"
	    "HostKey /etc/ssh/ssh_host_ed25519_key\nAuthenticationMethods any\nMaxStartups 10:30:100\n"
	    "PerSourceMaxStartups none\nPerSourceNetBlockSize 32:128\nPermitTunnel no\n"
	    "IPQoS lowdelay throughput\nRekeyLimit 0 0\nPermitOpen any\nPermitListen any\n"
	    "PermitUserEnvironment no\nPubkeyAuthOptions none\nPAMServiceName sshd\nRDomain none\n"
	    "PerSourcePenaltyExemptList none\nRefuseConnection no\n"
	    "Ciphers chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,"
	    "aes128-gcm@openssh.com,aes256-gcm@openssh.com\n"
	    "CASignatureAlgorithms ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256\n"
	    "PubkeyAcceptedAlgorithms ssh-ed25519-cert-v01@openssh.com,ssh-ed25519,rsa-sha2-512\n"
	    "HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com,ssh-ed25519,rsa-sha2-512\n"
	    "KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256,"
	    "ecdh-sha2-nistp256,diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha256\n"
	    "Match all\nIPQoS none\nLogVerbose none\nSkeyAuthentication no\nPubkeyAcceptedKeyTypes ssh-ed25519\n";
	static const struct { const char *line, *why; } refused[] = {
		{ "PrintLastLog yes\n", "PrintLastLog" },	/* nobody keeps lastlog */
		{ "RequiredRSASize 1024\n", "RequiredRSASize" },	/* 2048 is the least */
		{ "PerSourcePenalties yes\n", "PerSourcePenalties" },	/* penalties are not here */
	};

	(void)s;
	good(whole);
	assert_int_equal(conf.rekey_limit.bytes, 0);
	assert_int_equal(conf.rekey_limit.seconds, 0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		bad(refused[i].line, 1, refused[i].why);
}

/* A hardened sshd_config forbids much that is not here anyway. */
static void what_asks_for_nothing_is_taken(void **s)
{
	(void)s;
	good("Protocol 2\nUseDNS no\nIgnoreRhosts yes\nHostbasedAuthentication no\n"
	    "GSSAPIAuthentication no\nGSSAPICleanupCredentials yes\nKerberosAuthentication no\n"
	    "PermitTunnel no\nPrintLastLog no\nUsePrivilegeSeparation sandbox\nAddressFamily any\n"
	    "usedns NO\nUseDNS=no\nDebianBanner no\nChrootDirectory none\nRhostsRSAAuthentication no\n");
	for (size_t i = 0; i < conf_refused_count; i++)
		assert_false(conf_asks_for_nothing(conf_refused[i].name, ""));
	assert_false(conf_asks_for_nothing("PermitTTY", "no"));
	assert_false(conf_asks_for_nothing("UsePrivilegeSeparation", "yes,sandbox"));
}

static void internal_sftp_is_the_systems_server(void **s)
{
	static const char *const lines[] = { "Subsystem sftp internal-sftp\n",
	    "Subsystem sftp internal-sftp -l INFO\n", "ForceCommand internal-sftp\n",
	    "ForceCommand internal-sftp -R\n", "Match all\nForceCommand internal-sftp\n" };

	(void)s;
	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (conf_sftp_path() == NULL) {
			bad(lines[i], i < 4 ? 1 : 2, "internal-sftp needs an sftp-server");
			continue;
		}
		good(lines[i]);
		assert_int_equal(conf_sftp_asked(&conf), i < 4);
	}
	good("Subsystem sftp /x\nForceCommand internal-sftps\n");
	assert_false(conf_sftp_asked(&conf));
	assert_true(conf_sftp_is("internal-sftp") && conf_sftp_is("internal-sftp\t-R"));
	assert_false(conf_sftp_is("internal-sft") || conf_sftp_is("internal-sftp;x") ||
	    conf_sftp_is("") || conf_sftp_is("/internal-sftp"));
}

static void unknown_words_are_refused(void **s)
{
	(void)s;
	bad("Porte 22\n", 1, "Porte: no such keyword");
	bad("\n\nHostKey\n", 3, "no value");
	bad("HostKey \"\"\n", 1, "empty");
	bad("Banner\n", 1, "no value");
	bad("ForceCommand\n", 1, "no value");
	bad("ForceCommand   \n", 1, "no value");
	bad("= 3\n", 1, "no such keyword");
	bad("PermitTTY\n", 1, "no value");
}

static void bad_values_are_refused(void **s)
{
	static const char *const lines[] = { "Port 0", "Port 65536", "Port -1", "Port ssh", "Port 1x",
		"Port 22 23", "ListenAddress [::1", "ListenAddress [::1]x", "ListenAddress 1.2.3.4:",
		"ListenAddress 1.2.3.4:99999", "ListenAddress []:22", "LoginGraceTime x",
		"LoginGraceTime -1", "LoginGraceTime 1y", "LoginGraceTime 99999999999999999999",
		"LoginGraceTime 2000001", "MaxAuthTries 0", "MaxAuthTries 1001", "MaxAuthTries 1 2",
		"MaxSessions 10001", "MaxSessions -1", "MaxStartups 0", "MaxStartups 1:2",
		"MaxStartups 10:0:100", "MaxStartups 10:101:100", "MaxStartups 10:30:9",
		"MaxStartups 1:2:3:4", "MaxStartups 10:30:", "MaxStartups a",
		"PerSourceMaxStartups 0", "PerSourceMaxStartups 1000001", "PerSourceMaxStartups 1 2",
		"PerSourceMaxStartups some", "PerSourceNetBlockSize 33", "PerSourceNetBlockSize 0",
		"PerSourceNetBlockSize 32:129", "PerSourceNetBlockSize 32:0", "PerSourceNetBlockSize 32:",
		"PerSourceNetBlockSize :64", "PerSourceNetBlockSize 24:64:1", "PerSourceNetBlockSize none",
		"ClientAliveCountMax 1000001", "TCPKeepAlive maybe", "TCPKeepAlive true",
		"PermitRootLogin maybe", "AuthenticationMethods password,pubkey",
		"AuthenticationMethods password,", "AuthenticationMethods ,password",
		"AuthenticationMethods hostbased", "AuthenticationMethods none",
		"PasswordFile relative", "HostKeyAgent relative/socket", "AllowUsers a@10.0.0.0/33", "AllowUsers a@10.0.0.1/8",
		"AllowUsers a@", "DenyUsers a@::1/129", "PermitUserEnvironment",
		"PermitUserEnvironment LANG X", "PermitUserRC maybe", "PermitEmptyPasswords 1",
		"PubkeyAuthOptions touch", "PubkeyAuthOptions none touch-required",
		"PubkeyAuthOptions", "AuthorizedKeysCommand keys %u", "AuthorizedKeysCommand /keys %x",
		"AuthorizedKeysCommand /keys %", "AuthorizedKeysCommand /keys %F",
		"AuthorizedKeysCommand /keys \"a", "AuthorizedKeysCommand #",
		"AuthorizedKeysCommandUser a b", "AuthorizedPrincipalsCommand x",
		"AuthorizedPrincipalsCommand /x %x",
		"VersionAddendum a\tb", "VersionAddendum caf\303\251", "SetEnv A", "SetEnv =1", "Subsystem sftp",
		"Subsystem \"a b\" c",
		"LogLevel LOUD", "SyslogFacility KERN", "KexAlgorithms ecdh-sha2-none",
		"Ciphers +3des-cbc", "MACs hmac-md5", "AlgorithmPreset Fips",
		"AlgorithmPreset modern compat", "RequiredRSASize 2047", "RequiredRSASize 16385",
		"HostKeyAlgorithms sk-ssh-ed25519@openssh.com", "Ciphers -*",
		"PubkeyAcceptedAlgorithms x", "RekeyLimit 15", "RekeyLimit x", "RekeyLimit 1G 1h 2",
		"RekeyLimit 1T", "RekeyLimit 99999999999999999999", "RekeyLimit 5000000000G",
		"RekeyLimit 1G x", "RekeyQuota 1", "RekeyQuota 0 1", "RekeyQuota 1 0",
		"RekeyQuota 1 2 3", "HostKey none", "HostKey a b", "StrictModes \"yes", "Banner 'a",
		"Compression 9", "DisableForwarding maybe", "AllowTcpForwarding both",
		"AllowStreamLocalForwarding", "AllowAgentForwarding local", "X11DisplayOffset -1",
		"X11DisplayOffset 58536", "X11UseLocalhost 1", "XAuthLocation xauth",
		"GatewayPorts client", "PermitOpen host", "PermitOpen 80", "PermitOpen host:",
		"PermitOpen :80", "PermitOpen host:0", "PermitOpen host:65536", "PermitOpen host:http",
		"PermitOpen ::1:80", "PermitOpen [::1]", "PermitOpen [::1]80", "PermitOpen [::1:80",
		"PermitOpen a:1 b", "PermitListen 0", "PermitListen host", "PermitListen :80",
		"PermitListen host:0", "PermitListen 65536", "PermitListen", "StreamLocalBindMask 8",
		"StreamLocalBindMask 01000", "StreamLocalBindMask 077777", "StreamLocalBindMask 000000",
		"StreamLocalBindMask u=rw", "StreamLocalBindMask 077 077" };

	(void)s;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char text[200];

		snprintf(text, sizeof(text), "#\n%s\n", lines[i]);
		if (read_text(text) != 1)
			print_error("accepted: %s\n", lines[i]);
		bad(text, 2, "");
	}
	bad("Subsystem a /x\nSubsystem a /y\n", 2, "already");
	assert_int_equal(read_text("PasswordAuthentication no\nAuthenticationMethods password\n"), 1);
	assert_non_null(strstr(said, "switched on"));
	assert_int_equal(read_text("AuthenticationMethods any password\n"), 1);
	assert_int_equal(read_text("PermitOpen a:1 any\n"), 1);
	assert_non_null(strstr(said, "PermitOpen: \"any\" stands alone"));
	assert_int_equal(read_text("PermitListen none 80\n"), 1);
	assert_int_equal(read_text("AuthorizedKeysCommand /keys\n"), 1);
	assert_non_null(strstr(said, "there is no AuthorizedKeysCommandUser"));
	assert_int_equal(read_text("AuthorizedPrincipalsCommand /x %F%i%K%s%T%t\n"), 1);
	assert_non_null(strstr(said, "there is no AuthorizedPrincipalsCommandUser"));
}

/* The lines of an edit and of what it edits may stand in either order. */
static void presets_and_their_edits(void **s)
{
	static const char *const orders[] = { "AlgorithmPreset compat\nMACs -*etm*\n",
		"MACs -*etm*\nAlgorithmPreset compat\n" };
	char want[CONF_ALGORITHMS_MAX];

	(void)s;
	for (size_t i = 0; i < 2; i++) {
		good(orders[i]);
		assert_int_equal(postern_edit_preset(POSTERN_MACS, "compat", "-*etm*", want,
		    sizeof(want)), 0);
		assert_string_equal(conf.macs, want);
		assert_int_equal(postern_edit_preset(POSTERN_KEX, "compat", NULL, want,
		    sizeof(want)), 0);
		assert_string_equal(conf.kex, want);
	}
	good("");
	assert_int_equal(postern_edit_preset(POSTERN_KEX, "modern", NULL, want, sizeof(want)), 0);
	assert_string_equal(conf.kex, want);
	/* modern has nothing but those */
	assert_int_equal(read_text("MACs -*etm*\n"), 1);
	assert_non_null(strstr(said, "MACs: no algorithm is left"));
}

static void pam_is_taken_where_it_is(void **s)
{
	(void)s;
	bad("PAMServiceName /etc/shadow\n", 1, "the name of a service");
	bad("PAMServiceName ../shadow\n", 1, "the name of a service");
	bad("AuthenticationMethods keyboard-interactive:bsdauth\n", 1, "keyboard-interactive:pam");
	bad("AuthenticationMethods publickey:pam\n", 1, "lists of");
	assert_int_equal(read_text("AuthenticationMethods publickey,keyboard-interactive:pam\n"), 1);
	assert_non_null(strstr(said, "without UsePAM"));
	good("UsePAM no\nPAMServiceName login\n");
	assert_string_equal(conf.pam_service, "login");
	if (!account_pam_built) {
		assert_int_equal(read_text("UsePAM yes\n"), 1);
		assert_non_null(strstr(said, "without PAM"));
		return;
	}
	good("UsePAM yes\nAuthenticationMethods publickey,keyboard-interactive:pam\n");
	assert_string_equal(conf.pam_service, "sshd");
	assert_int_equal(read_text("UsePAM yes\nPasswordFile /x\n"), 1);
	assert_non_null(strstr(said, "not with UsePAM"));
	bad("Match all\nUsePAM yes\n", 2, "not within a Match block");
}

static void all_errors_are_told(void **s)
{
	(void)s;
	assert_int_equal(read_text("UseLogin yes\nPort 22\nPermitTunnel yes\nFoo bar\n"), 3);
	assert_non_null(strstr(said, "conf:1: "));
	assert_non_null(strstr(said, "conf:3: "));
	assert_non_null(strstr(said, "conf:4: "));
}

static void lines_are_written_in_many_ways(void **s)
{
	(void)s;
	good("port=1001\n  PORT = 1002 # comment\n\tPort\t\"1003\"\nPort =1004\r\n#Port 1\n"
	    "Port '1005'\nSetEnv A=\"x y\" 'B=\"' C=\\\"\nBanner \"/a b/#c\"\nAllowUsers a#b #c\n"
	    "MaxSessions 3");
	assert_int_equal(conf.ports.n, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(atoi(conf.ports.v[i]), 1001 + (int)i);
	assert_string_equal(conf.set_env.v[0], "A=x y");
	assert_string_equal(conf.set_env.v[1], "B=\"");
	assert_string_equal(conf.set_env.v[2], "C=\"");
	assert_string_equal(conf.banner, "/a b/#c");
	assert_int_equal(conf.allow_users.n, 1);
	assert_string_equal(conf.allow_users.v[0], "a#b");
	assert_int_equal(conf.max_sessions, 3);	/* a last line without newline */
	good("Banner none\nPidFile none\nModuliFile none\nForceCommand none\nRekeyLimit none none\n");
	assert_null(conf.banner);
	assert_null(conf.force_command);
}

static void lines_are_bounded(void **s)
{
	const size_t cap = CONF_LINE_MAX + 100;
	char *text = malloc(cap);
	size_t n;

	(void)s;
	n = (size_t)snprintf(text, cap, "ForceCommand ");
	memset(text + n, 'x', CONF_LINE_MAX + 50 - n);
	text[CONF_LINE_MAX] = '\0';
	good(text);
	assert_int_equal(strlen(conf.force_command), CONF_LINE_MAX - n);
	text[CONF_LINE_MAX] = 'x';
	text[CONF_LINE_MAX + 1] = '\0';
	bad(text, 1, "longer");
	assert_int_equal(read_bytes("Port 22\0 23\n", 12), 1);
	assert_non_null(strstr(said, "NUL"));
	n = (size_t)snprintf(text, cap, "AllowUsers");
	for (int i = 0; i < CONF_WORDS_MAX; i++)
		n += (size_t)snprintf(text + n, cap - n, " a");
	good(text);
	(void)snprintf(text + n, cap - n, " a");
	bad(text, 1, "more than");
	free(text);
}

/* Each beginning of a good file is good or an error, and never anything else. */
static void every_truncation_is_judged(void **s)
{
	static const char text[] = "Port 2200\nSetEnv \"A=1 2\"\nMaxStartups 5:50:60\nRekeyLimit 1G 1h\n"
	    "ListenAddress [::1]:98\nAllowUsers b@10.0.0.0/8\n";

	(void)s;
	for (size_t n = 0; n < sizeof(text); n++)
		(void)read_bytes(text, n);
	good(text);
}

static void files_include_files(void **s)
{
	char text[400];

	(void)s;
	write_file("10-a.inc", "Port 11\nBanner /from-a\n", 23);
	write_file("20-b.inc", "Port 12\nBanner /from-b\n", 23);
	good("Include *.inc\nPort 13\nBanner /from-conf\n");
	assert_int_equal(conf.ports.n, 3);
	assert_string_equal(conf.ports.v[0], "11");
	assert_string_equal(conf.ports.v[1], "12");
	assert_string_equal(conf.banner, "/from-a");
	snprintf(text, sizeof(text), "Include %s/20-b.inc nothing-like-it*\n", dir);
	good(text);
	assert_string_equal(conf.banner, "/from-b");
	write_file("20-b.inc", "#\n\nUseLogin no\n", 13);
	assert_int_equal(read_text("Port 1\nInclude *.inc\n"), 1);
	assert_non_null(strstr(said, "20-b.inc:3: UseLogin"));
	write_file("20-b.inc", "Include 20-b.inc\n", 17);
	assert_true(read_text("Include 20-b.inc\n") > 0);
	assert_non_null(strstr(said, "deeper"));
	write_file("20-b.inc", "", 0);
}

static void options_win_over_files(void **s)
{
	char path[256];
	FILE *out;

	(void)s;
	forget();
	write_file("conf", "Port 1\nBanner /file\nAllowUsers file\n", 36);
	snprintf(path, sizeof(path), "%s/conf", dir);
	out = open_memstream(&said, &said_len);
	conf_new(&conf);
	assert_int_equal(conf_read_option(&conf, "Banner=/option", dir, out), 0);
	assert_int_equal(conf_read_option(&conf, "AllowUsers option", dir, out), 0);
	assert_int_equal(conf_read_option(&conf, "Port 7", dir, out), 0);
	conf.port_given = true;
	assert_int_equal(conf_read_option(&conf, "UseLogin=yes", dir, out), 1);
	assert_int_equal(conf_read_option(&conf, "Port", dir, out), 1);
	assert_int_equal(conf_read_file(&conf, path, dir, out), 0);
	assert_int_equal(conf_read_file(&conf, "/nonexistent/file", dir, out), 1);
	fclose(out);
	assert_string_equal(conf.banner, "/option");
	assert_int_equal(conf.allow_users.n, 2);
	assert_int_equal(conf.ports.n, 1);
	assert_string_equal(conf.ports.v[0], "7");
	assert_non_null(strstr(said, "command line: UseLogin"));
	assert_non_null(strstr(said, "/nonexistent/file: "));
}

static void the_dump_can_be_read_again(void **s)
{
	char *first = NULL, *second = NULL;
	size_t n;
	FILE *out;

	(void)s;
	good("Port 2200\nListenAddress ::1\nListenAddress 127.0.0.1:7\nAllowUsers a b\nSetEnv A=1\n"
	    "Subsystem sftp /x -y\nMaxStartups 4\nPermitRootLogin prohibit-password\n"
	    "RekeyLimit 1M 60\nLogLevel ERROR\nPidFile none\nPermitOpen a:1 b:*\n"
	    "AllowTcpForwarding all\nGatewayPorts yes\nStreamLocalBindMask 111\n"
	    "PerSourceMaxStartups 9\nPerSourceNetBlockSize 16\n");
	out = open_memstream(&first, &n);
	conf_dump(&conf, out);
	fclose(out);
	assert_non_null(strstr(first, "\nlistenaddress [::1]:2200\nlistenaddress 127.0.0.1:7\n"));
	assert_non_null(strstr(first, "\npermitrootlogin without-password\n"));
	assert_non_null(strstr(first, "\nallowusers a\nallowusers b\n"));
	assert_non_null(strstr(first, "\nmaxstartups 4:30:4\n"));
	assert_non_null(strstr(first, "\npersourcemaxstartups 9\npersourcenetblocksize 16:128\n"));
	assert_non_null(strstr(first, "\nrekeylimit 1048576 60\n"));
	assert_non_null(strstr(first, "\nloglevel ERROR\n"));
	assert_non_null(strstr(first, "\npermitopen a:1 b:*\n"));
	assert_non_null(strstr(first, "\npermitlisten any\n"));
	assert_non_null(strstr(first, "\nallowtcpforwarding yes\n"));
	assert_non_null(strstr(first, "\ngatewayports yes\n"));
	assert_non_null(strstr(first, "\nstreamlocalbindmask 0111\n"));
	assert_non_null(strstr(first, "\nauthorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2\n"));
	assert_ptr_equal(strstr(first, "port 2200\n"), first);
	good(first);
	out = open_memstream(&second, &n);
	conf_dump(&conf, out);
	fclose(out);
	assert_string_equal(first, second);
	free(first);
	free(second);
	good("");
	out = open_memstream(&first, &n);
	conf_dump(&conf, out);
	fclose(out);
	assert_non_null(strstr(first, "\nlistenaddress [::]:22\nlistenaddress 0.0.0.0:22\n"));
	free(first);
}

static void listen_addresses_are_split(void **s)
{
	static const struct { const char *word, *host, *port; } ok[] = {
		{ "1.2.3.4", "1.2.3.4", "" }, { "1.2.3.4:5", "1.2.3.4", "5" }, { "::1", "::1", "" },
		{ "[::1]", "::1", "" }, { "[::1]:65535", "::1", "65535" }, { "host", "host", "" },
		{ "host:1", "host", "1" }, { "*", "*", "" } };
	char longest[300];
	struct conf_listen l;

	(void)s;
	for (size_t i = 0; i < sizeof(ok) / sizeof(ok[0]); i++) {
		assert_int_equal(conf_listen_split(ok[i].word, &l), 0);
		assert_string_equal(l.host, ok[i].host);
		assert_string_equal(l.port, ok[i].port);
	}
	memset(longest, 'a', sizeof(longest));
	longest[255] = '\0';
	assert_int_equal(conf_listen_split(longest, &l), 0);
	longest[255] = 'a';
	longest[256] = '\0';
	assert_int_equal(conf_listen_split(longest, &l), -1);
	assert_int_equal(conf_listen_split("", &l), -1);
}

static void numbers_do_not_overflow(void **s)
{
	uint64_t v = 7;

	(void)s;
	assert_int_equal(conf_number("18446744073709551615", UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(conf_number("18446744073709551616", UINT64_MAX, &v), -1);
	assert_int_equal(conf_number("10", 9, &v), -1);
	assert_int_equal(conf_number("9", 9, &v), 0);
	assert_int_equal(conf_number("0", 0, &v), 0);
	assert_int_equal(conf_number("1", 0, &v), -1);
	assert_int_equal(conf_number("", 9, &v), -1);
	assert_int_equal(conf_number(" 1", 9, &v), -1);
	assert_int_equal(conf_number("+1", 9, &v), -1);
	assert_int_equal(conf_number_size("4K", UINT64_MAX, &v), 0);
	assert_int_equal(v, 4096);
	assert_int_equal(conf_number_size("4k", 4095, &v), -1);
	assert_int_equal(conf_number_size("4KB", UINT64_MAX, &v), -1);
	assert_int_equal(conf_number_size("17179869184G", UINT64_MAX, &v), -1);
	assert_int_equal(conf_number_time("1w2d3h4m5", &v), 0);
	assert_int_equal(v, 604800 + 2 * 86400 + 3 * 3600 + 4 * 60 + 5);
	assert_int_equal(conf_number_time("4w", &v), -1);
	assert_int_equal(conf_number_time("", &v), -1);
	assert_int_equal(conf_number_time("1m ", &v), -1);
	assert_int_equal(conf_number_time("s", &v), -1);
}

static int setup(void **s)
{
	(void)s;
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int teardown(void **s)
{
	static const char *const names[] = { "conf", "10-a.inc", "20-b.inc" };
	char path[256];

	(void)s;
	forget();
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_sshds),
		cmocka_unit_test(every_keyword_takes_its_value),
		cmocka_unit_test(the_first_line_wins),
		cmocka_unit_test(every_other_keyword_of_sshd_is_refused_by_name_and_line),
		cmocka_unit_test(older_names_have_their_effect),
		cmocka_unit_test(every_default_of_sshd_is_taken),
		cmocka_unit_test(what_asks_for_nothing_is_taken),
		cmocka_unit_test(internal_sftp_is_the_systems_server),
		cmocka_unit_test(unknown_words_are_refused),
		cmocka_unit_test(bad_values_are_refused),
		cmocka_unit_test(presets_and_their_edits),
		cmocka_unit_test(pam_is_taken_where_it_is),
		cmocka_unit_test(all_errors_are_told),
		cmocka_unit_test(lines_are_written_in_many_ways),
		cmocka_unit_test(lines_are_bounded),
		cmocka_unit_test(every_truncation_is_judged),
		cmocka_unit_test(files_include_files),
		cmocka_unit_test(options_win_over_files),
		cmocka_unit_test(the_dump_can_be_read_again),
		cmocka_unit_test(listen_addresses_are_split),
		cmocka_unit_test(numbers_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
