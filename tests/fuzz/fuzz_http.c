/* Any bytes as the body of startService: what is accepted must be safe to hand on. */
#include "control/jibri_request.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct tr_control_start *start)
{
	bool is_web = strstr(start->meeting_url, "://") && !strpbrk(start->meeting_url, " #?\n\r");
	bool walks = strchr(start->call_name, '/') || !strcmp(start->call_name, "..");
	bool has_stream = start->kind == TR_CONTROL_STREAM;

	if (!is_web || walks || !start->session_id[0] || !strchr(start->call_jid, '@') ||
		has_stream != (strncasecmp(start->stream_url, "rtmp", 4) == 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TR_CLEANUP(tr_jibri_request_destroyp) struct tr_jibri_request *request = NULL;
	const char *missing = NULL;
	char why[100] = "";

	int rc = tr_jibri_request_parse(
		(const char *)data, size, &request, &missing, why, sizeof(why));
	if (rc == 0)
		check(&request->start);
	else if ((rc == -ENODATA) != (missing != NULL) || (rc == -EINVAL && !why[0]))
		abort();
	return 0;
}
