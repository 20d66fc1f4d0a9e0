/* epoll_clients.c - many connections to one server, from one thread and one epoll: each
 * logs in and then stays.  A line of text on standard input goes to a command on the
 * first of them, and what it answers is printed; the end of input ends all.
 *
 *	cc -o epoll_clients epoll_clients.c -lpostern
 *	./epoll_clients HOSTKEY.pub PORT COUNT
 *
 * HOSTKEY.pub is trusted and nothing else; user robey, password foo. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <postern.h>

enum { TOGETHER = 32, WAIT = 20000 };	/* so many logins at a time */

static postern_context *ctx;
static struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
static struct sockaddr_in there;
static unsigned wanted, begun, held, lost;
static postern_transport *first;

/* The public key of a .pub file: the second word, in base64. */
static unsigned char *
read_public(const char *path, size_t *len)
{
	static unsigned char blob[8192];
	char type[64], text[8192], decode[8300];
	FILE *f = fopen(path, "r"), *p;

	if (f == NULL || fscanf(f, "%63s %8191s", type, text) != 2)
		errx(1, "%s is no public key", path);
	fclose(f);
	(void)snprintf(decode, sizeof(decode), "printf %%s '%s' | base64 -d", text);
	if (strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") !=
	    strlen(text) || (p = popen(decode, "r")) == NULL)
		errx(1, "%s is no public key", path);
	*len = fread(blob, 1, sizeof(blob), p);
	pclose(p);
	return blob;
}

static void
begin_one(void)
{
	postern_transport *t;
	int r, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	begun++;
	if (s < 0 || connect(s, (struct sockaddr *)&there, sizeof(there)) != 0)
		err(1, "connect");
	if ((r = postern_transport_new(&t, ctx, s)) < 0 ||
	    (r = postern_transport_connect_async(t, &cfg, "robey", "foo", NULL, NULL)) < 0)
		errx(1, "%s", postern_strerror(r));
}

static void
on_event(const struct postern_event *ev)
{
	switch (ev->type) {
	case POSTERN_EVENT_DONE:
		if (ev->result != 0) {
			lost++;
			warnx("login: %s", postern_strerror(ev->result));
		} else {
			held++;
			if (first == NULL)
				first = ev->transport;
		}
		if (begun < wanted)
			begin_one();
		if (held + lost == wanted) {
			printf("held %u lost %u\n", held, lost);
			fflush(stdout);
		}
		break;
	case POSTERN_EVENT_END:
		if (ev->transport == first)
			first = NULL;
		postern_transport_free(ev->transport);
		break;
	default:
		break;
	}
}

/* One line there and back; blocking calls serve all other connections meanwhile. */
static void
converse(const char *line, size_t len)
{
	static postern_channel *ch;
	char answer[1024];
	size_t done;
	int r = 0;

	if (ch == NULL) {
		r = first == NULL ? POSTERN_ECLOSED : postern_transport_open_session(first, &ch, WAIT);
		if (r == 0)
			r = postern_channel_invoke_shell(ch, WAIT);
	}
	if (r == 0)
		r = postern_send_all(postern_channel_fd(ch), line, len, &done, WAIT);
	if (r >= 0)
		r = postern_read_line(postern_channel_fd(ch), answer, sizeof(answer), &done, WAIT);
	printf("%s\n", r < 0 ? postern_strerror(r) : answer);
	fflush(stdout);
}

/* A number of 1 to max, or the end. */
static unsigned
number(const char *text, unsigned max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end != '\0' || n < 1 || n > max)
		errx(1, "%s: not a number of 1 to %u", text, max);
	return (unsigned)n;
}

int
main(int argc, char **argv)
{
	struct epoll_event e = { .events = EPOLLIN };
	int r, set = epoll_create1(EPOLL_CLOEXEC);
	char line[1024];

	if (argc != 4)
		errx(1, "usage: epoll_clients HOSTKEY.pub PORT COUNT");
	there.sin_family = AF_INET;
	there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	there.sin_port = htons((uint16_t)number(argv[2], 65535));
	wanted = number(argv[3], 100000);
	cfg.host_key = read_public(argv[1], &cfg.host_key_len);
	if ((r = postern_context_new(&ctx, NULL, WAIT)) < 0)
		errx(1, "%s", postern_strerror(r));
	e.data.fd = STDIN_FILENO;
	if (epoll_ctl(set, EPOLL_CTL_ADD, STDIN_FILENO, &e) != 0)
		err(1, "epoll");
	e.data.fd = postern_context_fd(ctx);
	if (epoll_ctl(set, EPOLL_CTL_ADD, postern_context_fd(ctx), &e) != 0)
		err(1, "epoll");
	for (unsigned i = 0; i < TOGETHER && i < wanted; i++)
		begin_one();
	for (;;) {
		struct postern_event ev = POSTERN_EVENT;

		if (epoll_wait(set, &e, 1, -1) < 0 && errno != EINTR)
			err(1, "epoll");
		if (e.data.fd == STDIN_FILENO) {
			ssize_t n = read(STDIN_FILENO, line, sizeof(line));

			if (n <= 0)
				break;
			converse(line, (size_t)n);
		}
		while ((r = postern_next(ctx, &ev, 0)) == 1)
			on_event(&ev);
		if (r != POSTERN_ETIMEOUT && r != -EINTR)
			errx(1, "%s", postern_strerror(r));
	}
	postern_context_free(ctx);
	return lost == 0 ? 0 : 1;
}
