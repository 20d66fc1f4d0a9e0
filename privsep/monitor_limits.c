/*
 * monitor_limits.c - how many, and how often.  Pure but for the monitor's counters.
 */
#include "privsep/monitor.h"

/*
 * sshd_config(5) MaxStartups "begin:rate:full": from begin unauthenticated
 * connections on, refuse with rate percent probability, rising in a straight line
 * to certainty at full.  random is any number, uniform.
 */
bool
monitor_limits_drop(const struct ipc_CONFIG *cfg, unsigned startups, uint32_t random)
{
	uint64_t rate = cfg->startups_rate > 100 ? 100 : cfg->startups_rate;
	uint64_t chance;

	if (cfg->startups_full == 0 || startups < cfg->startups_begin)
		return false;
	if (startups >= cfg->startups_full)
		return true;
	/* begin <= startups < full: the divisor is at least 1 */
	chance = rate + (100 - rate) * (startups - cfg->startups_begin) /
	    (cfg->startups_full - cfg->startups_begin);
	return random % 100 < chance;
}

const char *
monitor_limits_refuse(const struct monitor *m, const struct conn *c)
{
	uint32_t random;

	if (m->config.connections_max != 0 && m->connections >= m->config.connections_max)
		return "connections_max is reached";
	if (c->plan.role != IPC_SERVER)
		return NULL;
	if (m->config.startups_source != 0 &&
	    monitor_source_startups(m, &c->source) >= m->config.startups_source)
		return "PerSourceMaxStartups: too many connections from there that have not logged in";
	crypto_random(&random, sizeof(random));
	if (monitor_limits_drop(&m->config, m->startups, random))
		return "MaxStartups: too many connections that have not logged in";
	return NULL;
}

enum { US = 1000, US_PER_SECOND = 1000000 };

/*
 * next_us is when the next one would come if they came evenly; up to burst of them
 * may come early.  per_second 0: no limit.
 */
static uint64_t
earliest(const struct bucket *b, uint32_t burst, uint32_t per_second, uint64_t now_us)
{
	uint64_t early = (uint64_t)(burst > 0 ? burst - 1 : 0) * (US_PER_SECOND / per_second);

	return b->next_us > now_us + early ? b->next_us - early : now_us;
}

uint64_t
monitor_bucket_take(struct bucket *b, uint32_t burst, uint32_t per_second, uint64_t now)
{
	uint64_t now_us = now * US, at;

	if (per_second == 0)
		return 0;
	at = earliest(b, burst, per_second, now_us);
	if (b->next_us < now_us)
		b->next_us = now_us;
	b->next_us += US_PER_SECOND / per_second;
	return (at - now_us + US - 1) / US;
}

bool
monitor_bucket_try(struct bucket *b, uint32_t burst, uint32_t per_second, uint64_t now)
{
	if (per_second != 0 && earliest(b, burst, per_second, now * US) > now * US)
		return false;
	(void)monitor_bucket_take(b, burst, per_second, now); /* it is free now */
	return true;
}
