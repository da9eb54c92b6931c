/* What the package brings for kernels, and how differences are shown. */
#include "test.h"

#include "core/file.h"
#include "system/aloop.h"
#include "system/kernel_change.h"
#include "system/kernel_config.h"
#include "system/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect_file(const char *name, const char *wanted)
{
	char path[PATH_MAX], *text;
	size_t size;

	snprintf(path, sizeof(path), "%s/kernel/%s", getenv("TR_SOURCE_DIR"), name);
	assert_int_equal(tr_file_read(AT_FDCWD, path, 1 << 16, &text, &size), 0);
	assert_string_equal(text, wanted);
	free(text);
}

static void the_shipped_files_are_those_that_load_writes(void **state)
{
	char text[1024];

	assert_int_equal(tr_aloop_write_modprobe(16, text, sizeof(text)), 0);
	expect_file("modprobe.conf", text);
	assert_int_equal(tr_aloop_write_load(text, sizeof(text)), 0);
	expect_file("modules-load.conf", text);
}

struct count {
	unsigned all, met;
	char unmet[4096];
};

static void count_option(const struct tr_kernel_option *option, void *user)
{
	struct count *count = user;

	assert_non_null(option->reason);
	assert_true(option->reason_length > 3);
	count->all++;
	count->met += option->is_met;
	if (!option->is_met) {
		size_t used = strlen(count->unmet);
		snprintf(count->unmet + used, sizeof(count->unmet) - used, "%s:%d ", option->name,
			option->is_needed);
	}
}

static void a_configuration_is_held_against_the_list(void **state)
{
	struct count count = {0}, other = {0};
	char path[PATH_MAX], *text;
	size_t size;

	/* The list itself is a configuration, and meets itself. */
	snprintf(path, sizeof(path), "%s/kernel/needed.config", getenv("TR_SOURCE_DIR"));
	assert_int_equal(tr_kernel_config_read(path, &text), 0);
	size = strlen(text);
	assert_int_equal(tr_kernel_config_check(text, count_option, &count), 0);
	assert_true(count.all > 40);
	assert_int_equal(count.met, count.all);

	/* As in a cloud's kernel; "y" is more than "m", "m" is less than "y", 64 more than 32. */
	char *changed = calloc(1, size + 256);
	snprintf(changed, size + 256, "%s", text);
	memcpy(strstr(changed, "CONFIG_SND_ALOOP=m"), "CONFIG_SND_ALOOP=n", 18);
	memcpy(strstr(changed, "CONFIG_SND_PCM=m"), "CONFIG_SND_PCM=y", 16);
	memcpy(strstr(changed, "CONFIG_SECCOMP_FILTER=y"), "CONFIG_SECCOMP_FILTER=m", 23);
	memcpy(strstr(changed, "CONFIG_SND_MAX_CARDS=32"), "CONFIG_SND_MAX_CARDS=64", 23);
	memcpy(strstr(changed, "\nCONFIG_USER_NS=y"), "#CONFIG_USER_NS=y", 17);
	assert_int_equal(tr_kernel_config_check(changed, count_option, &other), 2);
	assert_string_equal(
		other.unmet, "CONFIG_USER_NS:1 CONFIG_SECCOMP_FILTER:1 CONFIG_SND_ALOOP:0 ");
	assert_int_equal(tr_kernel_config_check("root:x:0:0\n", count_option, &other), -EINVAL);
	free(changed);
	free(text);
}

static void a_packed_configuration_is_unpacked(void **state)
{
	char command[PATH_MAX + 64], path[] = "/tmp/telerec-config-XXXXXX.gz", *text;

	int fd = mkstemps(path, 3);
	assert_true(fd >= 0);
	close(fd);
	snprintf(command, sizeof(command), "echo CONFIG_INET=y | gzip >%s", path);
	assert_int_equal(system(command), 0);
	assert_int_equal(tr_kernel_config_read(path, &text), 0);
	assert_string_equal(text, "CONFIG_INET=y\n");
	free(text);
	snprintf(command, sizeof(command), "echo no >%s", path);
	assert_int_equal(system(command), 0);
	assert_int_equal(tr_kernel_config_read(path, &text), -EINVAL);
	unlink(path);
	assert_int_equal(tr_kernel_config_read(path, &text), -ENOENT);
}

static void expect_diff(const char *before, const char *after, const char *wanted)
{
	char *told;
	size_t size;
	FILE *out = open_memstream(&told, &size);

	tr_change_print_diff(out, "/x", before, after);
	fclose(out);
	assert_string_equal(told, wanted);
	free(told);
}

static void differences_are_shown_as_diff_does(void **state)
{
	expect_diff("a\n", "a\n", "");
	expect_diff(NULL, "a\nb\n", "--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n");
	expect_diff("a\n", NULL, "--- a/x\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n");
	expect_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nX\n6\n7\n8\n9\n",
		"--- a/x\n+++ b/x\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n 8\n");
	expect_diff("a\n", "a\nb",
		"--- a/x\n+++ b/x\n@@ -1,1 +1,2 @@\n a\n+b\n"
		"\\ No newline at end of file\n");
}

static void a_tool_is_told_from_one_that_fails_hangs_or_is_not_there(void **state)
{
	const char *const none[] = {"telerec-no-such-tool", NULL};
	const char *const fails[] = {"sh", "-c", "echo out; echo err >&2; exit 3", NULL};
	const char *const hangs[] = {"sleep", "60", NULL};
	const char *const killed[] = {"sh", "-c", "kill -9 $$", NULL};
	const char *const talks[] = {"sh", "-c", "yes 0123456789 | head -c 3000000", NULL};
	const char *const locale[] = {"sh", "-c", "echo $LC_ALL", NULL};
	char *output = NULL;

	assert_int_equal(tr_tool_run(none, 5000, true, &output), -ENOENT);
	assert_int_equal(tr_tool_run(fails, 20000, true, &output), 3);
	assert_string_equal(tr_tool_last_line(output), "err");
	free(output);
	assert_int_equal(tr_tool_run(fails, 20000, false, &output), 3);
	assert_string_equal(output, "out\n");
	free(output);
	assert_int_equal(tr_tool_run(hangs, 100, true, &output), -ETIMEDOUT);
	assert_int_equal(tr_tool_run(killed, 20000, true, NULL), 128 + 9);
	assert_int_equal(tr_tool_run(talks, 60000, true, &output), 0);
	assert_int_equal(strlen(output), TR_TOOL_OUTPUT_MAX - 1);
	free(output);
	assert_int_equal(tr_tool_run(locale, 20000, true, &output), 0);
	assert_string_equal(output, "C\n");
	free(output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shipped_files_are_those_that_load_writes),
		cmocka_unit_test(a_configuration_is_held_against_the_list),
		cmocka_unit_test(a_packed_configuration_is_unpacked),
		cmocka_unit_test(differences_are_shown_as_diff_does),
		cmocka_unit_test(a_tool_is_told_from_one_that_fails_hangs_or_is_not_there),
	};
	return cmocka_run_group_tests_name("kernel_files", tests, NULL, NULL);
}
