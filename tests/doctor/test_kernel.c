/* What the doctor says of the kernel and its sound, on machines that are trees of files. */
#include "test.h"

#include "doctor/doctor.h"
#include "system/machine_tree.h"

#include <stdio.h>
#include <string.h>

static struct tree tree;
static struct tr_findings findings;

static int begin(void **state)
{
	tree_begin(&tree, TREE_CLOUD);
	tree_add_kernel(&tree, TREE_CLOUD, false);
	tree_add_kernel(&tree, TREE_GENERIC, true);
	tree_add_grub(&tree);
	tree_write(&tree, "/telerec.conf", "slots = 2;\nsound: { source = \"loopback\"; };\n");
	return tr_findings_init(&findings);
}

static int end(void **state)
{
	tr_findings_fini(&findings);
	tree_end(&tree);
	return 0;
}

static void ask(bool may_fix)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/telerec.conf", tree.root);
	tr_findings_fini(&findings);
	assert_int_equal(tr_findings_init(&findings), 0);
	const struct tr_doctor_settings settings = {.config_path = path,
		.only = "kernel",
		.is_quick = true,
		.may_fix = may_fix,
		.root = tree.root};
	assert_int_equal(tr_doctor_run(&settings, &findings), 0);
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

/* Of the area "kernel": this cause, with this status, a part of the sentence and one of the cure.
 */
static void expect(const char *cause, const char *status, const char *sentence, const char *cure)
{
	json_t *finding;
	size_t i;

	json_array_foreach(findings.list, i, finding)
	{
		if (strcmp(text(finding, "cause"), cause) != 0)
			continue;
		print_message("%s\n", text(finding, "sentence"));
		assert_string_equal(text(finding, "area"), "kernel");
		assert_string_equal(text(finding, "status"), status);
		assert_non_null(strstr(text(finding, "sentence"), sentence));
		if (cure)
			assert_non_null(
				strstr(text(json_object_get(finding, "cure"), "text"), cure));
		return;
	}
	fail_msg("the doctor did not find \"%s\"", cause);
}

static void a_cloud_kernel_is_a_failure_with_the_way_to_another_one(void **state)
{
	ask(false);
	expect("no-snd-aloop", "failure", TREE_CLOUD, "telerec kernel use-generic");
}

static void without_need_for_the_kernels_sound_it_is_a_note(void **state)
{
	tree_write(&tree, "/telerec.conf", "sound: { source = \"auto\"; };\n");
	ask(false);
	expect("no-snd-aloop", "note", TREE_CLOUD, "telerec kernel use-generic");
}

static void a_module_that_is_not_loaded_is_found(void **state)
{
	tree_run(&tree, TREE_GENERIC);
	ask(false);
	expect("snd-aloop-not-loaded", "failure", TREE_GENERIC, "telerec kernel load");
}

static void too_few_cards_are_counted(void **state)
{
	tree_run(&tree, TREE_GENERIC);
	tree_write(&tree, "/sys/module/snd_aloop/initstate", "live\n");
	tree_write(&tree, "/proc/asound/tr1/id", "tr1\n");
	ask(false);
	expect("too-few-cards", "failure", "1 of 2 slots", "telerec kernel load --slots 2");
	tree_write(&tree, "/proc/asound/tr2/id", "tr2\n");
	ask(false);
	expect("snd-aloop", "ok", "2 slots have each", NULL);
}

static void a_default_of_grub_without_the_module_is_warned_of(void **state)
{
	tree_run(&tree, TREE_GENERIC);
	tree_write(&tree, "/sys/module/snd_aloop/initstate", "live\n");
	tree_write(&tree, "/proc/asound/tr1/id", "tr1\n");
	tree_write(&tree, "/proc/asound/tr2/id", "tr2\n");
	ask(false);
	expect("next-boot-worse", "warning", TREE_CLOUD, "telerec kernel use-generic");
}

static void in_a_container_the_host_is_told_what_to_do(void **state)
{
	tree_write(&tree, "/run/systemd/container", "lxc\n");
	ask(false);
	expect("no-snd-aloop", "failure", "container (lxc)", "modprobe snd-aloop");
}

static void the_module_is_loaded_when_that_is_wanted(void **state)
{
	if (geteuid() != 0)
		skip();
	tree_run(&tree, TREE_GENERIC);
	ask(true);
	assert_true(tree_has(&tree, "/proc/asound/tr2"));
	assert_false(tree_has(&tree, "/proc/asound/tr3"));
	expect("snd-aloop", "ok", "2 slots have each", NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_cloud_kernel_is_a_failure_with_the_way_to_another_one),
		TEST(without_need_for_the_kernels_sound_it_is_a_note),
		TEST(a_module_that_is_not_loaded_is_found),
		TEST(too_few_cards_are_counted),
		TEST(a_default_of_grub_without_the_module_is_warned_of),
		TEST(in_a_container_the_host_is_told_what_to_do),
		TEST(the_module_is_loaded_when_that_is_wanted),
	};
	return cmocka_run_group_tests_name("doctor kernel", tests, NULL, NULL);
}
