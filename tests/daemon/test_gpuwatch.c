#include "test.h"

#include "daemon/gpuwatch.h"

#include <stdio.h>
#include <string.h>

static void count(void *user)
{
	++*(unsigned *)user;
}

/* No device comes or goes here: a quiet loop stays quiet. */
static void it_listens_and_says_nothing_of_its_own(void **state)
{
	TR_CLEANUP(tr_gpuwatch_destroyp) struct tr_gpuwatch *watch = NULL;
	unsigned changes = 0;
	sd_event *event = NULL;

	assert_true(sd_event_new(&event) >= 0);
	int rc = tr_gpuwatch_create(event, count, &changes, &watch);
	if (rc < 0) {
		sd_event_unref(event);
		printf("skipped: there is no udev to listen to (%s)\n", strerror(-rc));
		skip();
	}
	assert_true(sd_event_run(event, 1000) >= 0);
	assert_int_equal(changes, 0);
	tr_gpuwatch_destroy(tr_take(watch));
	sd_event_unref(event);
	tr_gpuwatch_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_listens_and_says_nothing_of_its_own),
	};
	return cmocka_run_group_tests_name("gpuwatch", tests, NULL, NULL);
}
