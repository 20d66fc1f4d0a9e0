/* account_nopam.c - account_pam.h where there was no libpam to build with: UsePAM is
 * refused when the configuration is read, and whoever gets here anyway is refused too. */
#include "apps/account_pam.h"
#include "apps/session_link.h"

const bool account_pam_built = false;

static bool refuse(char why[ACCOUNT_NOTE_MAX])
{
	(void)session_link_put(why, ACCOUNT_NOTE_MAX, "posternd was built without PAM");
	return false;
}

bool account_pam_password(const struct account_pam *p, const char *password,
    char why[ACCOUNT_NOTE_MAX])
{
	(void)p;
	(void)password;
	return refuse(why);
}

bool account_pam_talk(const struct account_pam *p, char why[ACCOUNT_NOTE_MAX])
{
	(void)p;
	return refuse(why);
}

bool account_pam_account(const struct account_pam *p, char why[ACCOUNT_NOTE_MAX])
{
	(void)p;
	return refuse(why);
}

struct account_pam_session *account_pam_open(const struct account_pam *p, char ***environment,
    char said[ACCOUNT_INSTRUCTION_MAX + 1], char why[ACCOUNT_NOTE_MAX])
{
	(void)p;
	*environment = NULL;
	said[0] = '\0';
	(void)refuse(why);
	return NULL;
}

void account_pam_close(struct account_pam_session *s)
{
	(void)s;
}
