#include "cli/boot_health.h"

#include "core/clock.h"
#include "protocol/node_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ANSWER_MS 5000
#define PAUSE_NS (2 * TR_NS_PER_S)

/* One slot's proof is enough: what the kernel could spoil, it spoils for all. */
static bool has_proof(const json_t *answer, char *why, size_t size)
{
	json_t *slots = json_object_get(answer, "slots"), *slot;
	size_t i;

	snprintf(why, size, "telerecd runs, but it has no slots");
	json_array_foreach(slots, i, slot)
	{
		const char *problem = json_string_value(json_object_get(slot, "problem"));
		if (json_is_true(json_object_get(slot, "is_healthy")))
			return true;
		snprintf(why, size, "telerecd runs, but no slot has proved itself yet%s%s",
			problem && problem[0] ? ": " : "", problem ? problem : "");
	}
	return false;
}

static int ask(const char *socket, char *why, size_t size)
{
	const struct tr_node_client_settings settings = {.node = socket, .timeout_ms = ANSWER_MS};
	TR_CLEANUP(tr_node_client_destroyp) struct tr_node_client *client = NULL;
	json_t *answer = NULL;

	int rc = tr_node_client_create(&settings, &client);
	if (rc == 0)
		rc = tr_node_client_call(client, "GET", "/v1/slots", NULL, &answer);
	if (rc < 0 && client)
		snprintf(why, size, "%s", tr_node_client_problem(client));
	if (rc == 0 && !has_proof(answer, why, size))
		rc = -EAGAIN;
	json_decref(answer);
	return rc;
}

int tr_boot_health_wait(const char *socket, int64_t wait_ms, char *why, size_t size)
{
	const struct timespec pause = {.tv_sec = PAUSE_NS / TR_NS_PER_S};
	int64_t end = tr_clock_now_ns() + wait_ms * TR_NS_PER_MS;

	snprintf(why, size, "nothing was asked");
	while (ask(socket, why, size) < 0) {
		if (tr_clock_now_ns() + PAUSE_NS > end)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
	return 0;
}
