#include "test.h"

#include "core/file.h"
#include "system/slot_load.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define DAEMON 100

static char proc[64];

static void add_file(int pid, const char *name, const char *data, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%d", proc, pid);
	assert_int_equal(tr_file_make_folders(path, 0755), 0);
	int dir = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	assert_int_equal(tr_file_replace(dir, name, data, size), 0);
	close(dir);
}

/* `ticks` is what each of the four times has. */
static void add_process(int pid, int parent, const char *name, int ticks)
{
	char text[256];

	snprintf(text, sizeof(text), "%d (%s) S %d 1 1 0 -1 0 0 0 0 0 %d %d %d %d 20 0 1 0\n", pid,
		name, parent, ticks, ticks, ticks, ticks);
	add_file(pid, "stat", text, strlen(text));
}

static int start(void **state)
{
	snprintf(proc, sizeof(proc), "/tmp/telerec-test.XXXXXX");
	return mkdtemp(proc) ? 0 : -1;
}

static int end(void **state)
{
	return tr_file_remove_tree(proc);
}

static int64_t load_of(unsigned number)
{
	struct tr_slot_load load = {.number = number};

	tr_slot_load_read(proc, DAEMON, &load, 1);
	return load.cpu_ms;
}

static void a_slot_is_all_that_it_started(void **state)
{
	static const char x_server[] = "Xvfb\0-displayfd\0003\0-fbdir\0/dev/shm/telerec-x/2";
	int64_t tick_ms = 1000 / sysconf(_SC_CLK_TCK);

	add_process(DAEMON, 1, "telerecd", 1000);
	add_process(110, DAEMON, "telerec-slot", 1);
	add_process(111, 110, "Xvfb", 10);
	add_file(111, "cmdline", x_server, sizeof(x_server));
	add_process(112, 110, "chromium", 100);
	add_process(113, 112, "a (tab) of it", 1000);
	add_process(120, 1, "firefox", 7777);
	assert_int_equal(load_of(2), 4 * 1111 * tick_ms);
	assert_int_equal(load_of(1), -1);
}

static void a_unit_is_known_by_its_control_group(void **state)
{
	static const char group[] = "0::/system.slice/telerec-slot@3.service\n";
	int64_t tick_ms = 1000 / sysconf(_SC_CLK_TCK);

	add_process(130, 1, "telerec-slot", 5);
	add_file(130, "cgroup", group, strlen(group));
	assert_int_equal(load_of(3), 4 * 5 * tick_ms);
	assert_int_equal(load_of(13), -1);
}

static void what_cannot_be_read_is_not_known(void **state)
{
	struct tr_slot_load load = {.number = 1};

	assert_int_equal(load_of(1), -1);
	tr_slot_load_read("/nowhere", DAEMON, &load, 1);
	assert_int_equal(load.cpu_ms, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_slot_is_all_that_it_started, start, end),
		cmocka_unit_test_setup_teardown(a_unit_is_known_by_its_control_group, start, end),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_is_not_known, start, end),
	};
	return cmocka_run_group_tests_name("slot_load", tests, NULL, NULL);
}
