#include "test.h"

#include "curl.h"

#include "core/child.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#define ARGS_MAX 32
#define PATIENCE_TURNS 12000 /* of 10 ms at most */

int curl_run_program(sd_event *event, const char *const *argv)
{
	const struct tr_child_settings settings = {.argv = argv};
	struct tr_child child;

	int rc = tr_child_start(&settings, &child);
	if (rc == -ENOENT)
		return 127;
	assert_int_equal(rc, 0);
	for (int i = 0; i < PATIENCE_TURNS; i++) {
		int status = tr_child_wait(&child, 0);
		if (status >= 0)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
		assert_int_equal(status, -ETIMEDOUT);
		assert_true(sd_event_run(event, 10000) >= 0);
	}
	tr_child_stop(&child, 0);
	fail_msg("curl does not end");
	return 128;
}

int curl_run(sd_event *event, const char *const *args)
{
	const char *argv[ARGS_MAX] = {"curl", "-sS", "-q"};
	unsigned count = 3;

	for (; *args; args++) {
		assert_true(count < ARGS_MAX - 1);
		argv[count++] = *args;
	}
	return curl_run_program(event, argv);
}

void curl_make_certificate(sd_event *event, const char *certificate, const char *key)
{
	const char *argv[] = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
		"ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost", "-addext",
		"subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", key, "-out", certificate,
		NULL};

	int code = curl_run_program(event, argv);
	if (code == 127)
		skip();
	assert_int_equal(code, 0);
}
