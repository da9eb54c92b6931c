#include "test.h"

#include "core/file.h"
#include "system/capacity.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define GIB (INT64_C(1) << 30)

static unsigned count(double cores, int64_t memory, int width, int height, int rate)
{
	const struct tr_capacity capacity = {cores, memory};
	char why[300];

	return tr_capacity_count_slots(&capacity, width, height, rate, 0, why, sizeof(why));
}

static void processors_or_memory_bound_the_slots(void **state)
{
	assert_int_equal(count(2, 8 * GIB, 1280, 720, 30), 3);
	assert_int_equal(count(4, 8 * GIB, 1280, 720, 30), 7);
	assert_int_equal(count(4, 2 * GIB, 1280, 720, 30), 3);
	assert_int_equal(count(64, 64 * GIB, 1280, 720, 30), 16);
}

static void larger_and_faster_pictures_mean_fewer_slots(void **state)
{
	assert_int_equal(count(4, 16 * GIB, 1920, 1080, 30), 4);
	assert_int_equal(count(4, 16 * GIB, 640, 360, 15), 13);
	assert_true(count(4, 16 * GIB, 1280, 720, 60) < count(4, 16 * GIB, 1280, 720, 30));
}

static void a_gpu_makes_room_for_as_many_as_it_can_encode(void **state)
{
	const struct tr_capacity machine = {4, 16 * GIB};
	char why[300];

	assert_int_equal(count(4, 16 * GIB, 1280, 720, 30), 7);
	assert_int_equal(tr_capacity_count_slots(&machine, 1280, 720, 30, 2, why, sizeof(why)), 7);
	assert_int_equal(tr_capacity_count_slots(&machine, 1280, 720, 30, 5, why, sizeof(why)), 7);
	assert_int_equal(tr_capacity_count_slots(&machine, 1280, 720, 30, 16, why, sizeof(why)), 8);
	assert_non_null(strstr(why, "0.55 processors (0.49 where a GPU encodes, which can do 16)"));
}

static void there_is_always_one_slot_and_a_word_when_that_is_too_much(void **state)
{
	const struct tr_capacity poor = {0.5, GIB / 2};
	char why[300];

	assert_int_equal(tr_capacity_count_slots(&poor, 1280, 720, 30, 0, why, sizeof(why)), 1);
	assert_string_equal(why, "1 slot: at 1280x720 and 30 pictures/s a recording takes about "
				 "0.55 processors and 450 MiB, and 0.5 processors and 512 MiB of "
				 "memory may be used, which is too little even for one");
}

static void write_file(const char *root, const char *path, const char *text)
{
	char whole[300];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	*strrchr(whole, '/') = '\0';
	assert_int_equal(tr_file_make_folders(whole, 0700), 0);
	snprintf(whole, sizeof(whole), "%s%s", root, path);
	TR_CLEANUP(tr_closep) int fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(tr_file_write_all(fd, text, strlen(text)), 0);
}

static void the_tightest_limit_of_our_control_groups_counts(void **state)
{
	char root[] = "/tmp/telerec-capacity.XXXXXX";
	struct tr_capacity capacity;

	assert_non_null(mkdtemp(root));
	write_file(root, "/proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 5 kB\n");
	tr_capacity_read(root, &capacity);
	assert_true(capacity.memory_bytes == INT64_C(16384000) << 10);
	assert_true(capacity.cores >= 1);

	write_file(root, "/proc/self/cgroup", "3:cpu:/x\n0::/a.slice/b.service\n");
	write_file(root, "/sys/fs/cgroup/a.slice/b.service/memory.max", "max\n");
	write_file(root, "/sys/fs/cgroup/a.slice/b.service/cpu.max", "max 100000\n");
	write_file(root, "/sys/fs/cgroup/a.slice/memory.max", "1073741824\n");
	write_file(root, "/sys/fs/cgroup/a.slice/cpu.max", "50000 100000\n");
	tr_capacity_read(root, &capacity);
	assert_true(capacity.memory_bytes == GIB);
	assert_true(capacity.cores == 0.5);

	write_file(root, "/proc/self/cgroup", "0::/\n");
	write_file(root, "/sys/fs/cgroup/memory.max", "2147483648\n");
	tr_capacity_read(root, &capacity);
	assert_true(capacity.memory_bytes == 2 * GIB);
	assert_true(capacity.cores >= 1);
	tr_file_remove_tree(root);
}

static void this_machine_has_something(void **state)
{
	struct tr_capacity capacity;

	tr_capacity_read("", &capacity);
	assert_true(capacity.cores > 0);
	assert_true(capacity.memory_bytes > 64 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processors_or_memory_bound_the_slots),
		cmocka_unit_test(larger_and_faster_pictures_mean_fewer_slots),
		cmocka_unit_test(a_gpu_makes_room_for_as_many_as_it_can_encode),
		cmocka_unit_test(there_is_always_one_slot_and_a_word_when_that_is_too_much),
		cmocka_unit_test(the_tightest_limit_of_our_control_groups_counts),
		cmocka_unit_test(this_machine_has_something),
	};
	return cmocka_run_group_tests_name("capacity", tests, NULL, NULL);
}
