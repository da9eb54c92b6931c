#include "test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double value_of(const char *json, const char *name)
{
	char key[50];
	snprintf(key, sizeof(key), "\"%s\": ", name);
	const char *found = strstr(json, key);
	assert_non_null(found);
	return strtod(found + strlen(key), NULL);
}

/* No figure is judged here: only that each side gives them, and that every picture is a picture of
 * the content. */
static void quick_measures_both_sides(void **state)
{
	char command[600], line[2000], json[] = "/tmp/bench-quick-XXXXXX", slot[300];
	const char *build = getenv("TR_BUILD_DIR");
	int fd = mkstemp(json), sides = 0;

	assert_true(fd >= 0);
	close(fd);
	snprintf(slot, sizeof(slot), "%s/telerec-slot", build ? build : ".");
	bool has_slot = access(slot, X_OK) == 0;
	if (!has_slot)
		puts("no telerec-slot here: Jibri's command on both sides");
	snprintf(command, sizeof(command), "'%s/bench-capture' --quick --json %s %s",
		build ? build : ".", json, has_slot ? "" : "--ours ffmpeg");
	assert_int_equal(system(command), 0);
	FILE *file = fopen(json, "re");
	assert_non_null(file);
	for (; fgets(line, sizeof(line), file); sides++) {
		assert_true(value_of(line, "recorded") > 10);
		assert_true(value_of(line, "unreadable") == 0);
		assert_true(value_of(line, "ssim") > 0.8);
		assert_true(value_of(line, "core") > 0);
		assert_true(value_of(line, "bytes_per_s") > 0);
	}
	fclose(file);
	unlink(json);
	assert_int_equal(sides, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(quick_measures_both_sides)};
	if (system("ffmpeg -version >/dev/null 2>&1 && command -v Xvfb >/dev/null") != 0) {
		puts("skipped: needs the programs ffmpeg and Xvfb");
		return 77;
	}
	return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
