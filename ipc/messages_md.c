/*
 * messages_md.c - prints docs/messages.md: messages.def for people.
 *
 * A program of the build, never installed.  It reads nothing but the table that
 * the actors themselves are compiled from, so the document cannot disagree.
 */
#include <stdio.h>

#include "ipc/ipc.h"

struct word {
	unsigned bit;
	const char *name;
};

static const struct word phase_words[] = {
	{ P_HELLO, "HELLO" }, { P_SETUP, "SETUP" }, { P_SERVE, "SERVE" },
	{ L_NEW,   "new"   }, { L_SPARE, "spare" }, { L_KEX,   "kex"   },
	{ L_AUTH,  "auth"  }, { L_OPEN,  "open"  }, { L_END,   "end"   },
	{ 0, NULL },
};
static const struct word kex_words[] = {
	{ K_NONE, "none" }, { K_READY, "ready" }, { K_BUSY, "busy" }, { 0, NULL },
};
static const struct word flag_words[] = {
	{ ONCE, "once" }, { SECRET, "secret" }, { ANSWER, "answer" }, { 0, NULL },
};

static void
print_words(const struct word *words, unsigned bits)
{
	const char *between = "";

	for (; words->name != NULL; words++) {
		if ((bits & words->bit) == 0)
			continue;
		(void)printf("%s%s", between, words->name);
		between = ", ";
	}
}

static void
print_row(unsigned id, const struct ipc_row *row)
{
	(void)printf("| %u | %s | ", id, row->name);
	print_words(phase_words, row->phases);
	(void)printf(" | ");
	if (row->kex == K_ANY)
		(void)printf("any");
	else
		print_words(kex_words, row->kex);
	(void)printf(" | ");
	print_words(flag_words, row->flags);
	(void)printf(" | %u | %u | %s|\n", row->nfds, row->max, row->fields);
}

int
main(void)
{
	(void)printf("# What the actors say to each other\n\n"
	    "Generated from `ipc/messages.def` by `make docs/messages.md`; do not edit.\n"
	    "Phases are the receiver's: of the link in capitals, of the connection in\n"
	    "small letters.  Sizes are in bytes, with the number and all lengths.\n");
	for (enum ipc_link link = IPC_A2M; link <= IPC_R2A; link++) {
		(void)printf("\n## %s\n\n"
		    "| no. | message | phases | key exchange | flags | descriptors | at most | fields |\n"
		    "|---|---|---|---|---|---|---|---|\n", ipc_link_name(link));
		for (unsigned i = 0; i < 256; i++) {
			if (ipc_rows[i].name != NULL && ipc_rows[i].link == link)
				print_row(i, &ipc_rows[i]);
		}
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
