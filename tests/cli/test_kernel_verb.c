/* `telerec kernel` as a person or the boot's service runs it; what it does is tested in
 * tests/system. */
#include "test.h"

#include "cli_rig.h"

#include "fake/node_server.h"
#include "node_answers.h"
#include "system/machine_tree.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tree tree;

static int begin(void **state)
{
	tree_begin(&tree, TREE_CLOUD);
	tree_add_kernel(&tree, TREE_CLOUD, false);
	tree_add_kernel(&tree, TREE_GENERIC, true);
	tree_add_grub(&tree);
	return make_home(state);
}

static int end(void **state)
{
	tree_end(&tree);
	return remove_home(state);
}

static int run(const char *const *args)
{
	start_telerec("", args);
	return wait_for_end();
}

#define UNWELL_SLOT SLOT_("1", "repair", "false", "no sound", "null")
#define KERNEL(...) ARGS("kernel", "--root", tree.root, __VA_ARGS__)

static void status_tells_what_is_and_what_to_do(void **state)
{
	assert_int_equal(run(KERNEL("status")), 1);
	assert_non_null(strstr(read_home("printed"), TREE_CLOUD " (cloud), snd-aloop absent"));
	assert_non_null(strstr(read_home("printed"), "    telerec kernel use-generic\n"));
	assert_int_equal(run(KERNEL("status", "--json")), 1);
	json_t *object = json_loads(read_home("printed"), 0, NULL);
	assert_string_equal(
		json_string_value(json_object_get(object, "better_kernel")), TREE_GENERIC);
	assert_string_equal(json_string_value(json_object_get(object, "loader")), "grub");
	json_decref(object);
}

static void a_machine_that_telerec_cannot_change_is_told_apart(void **state)
{
	tree_remove(&tree, "/boot/grub");
	assert_int_equal(run(KERNEL("use-generic", "--dry-run")), 3);
	assert_non_null(strstr(read_home("said"), "There is no GRUB on this machine"));
	assert_non_null(strstr(read_home("said"), "Nothing was changed."));
	assert_non_null(strstr(read_home("printed"), "CONFIG_SND_ALOOP=m"));
	tree_write(&tree, "/run/systemd/container", "lxc\n");
	assert_int_equal(run(KERNEL("use-generic", "--dry-run")), 3);
	assert_non_null(strstr(read_home("said"), "This is a container (lxc)"));
	assert_non_null(strstr(read_home("printed"), "modprobe snd-aloop"));
	assert_int_equal(run(KERNEL("load")), 3);
}

static void wrong_words_are_told(void **state)
{
	assert_int_equal(run(KERNEL("use-generik")), 2);
	assert_non_null(strstr(read_home("said"), "did you mean \"use-generic\"?"));
	assert_int_equal(run(KERNEL("load", "--slots", "17")), 2);
	assert_int_equal(run(KERNEL("undo", "now")), 2);
}

static void a_good_boot_needs_a_slot_that_has_proved_itself(void **state)
{
	char path[128];
	struct node_server *server;
	const struct node_server_route unwell[] = {
		{"GET /v1/slots", .body = SLOTS(UNWELL_SLOT, UNWELL_SLOT)}, {0}};
	const struct node_server_route well[] = {
		{"GET /v1/slots", .body = SLOTS(UNWELL_SLOT, UNWELL_SLOT)},
		{"GET /v1/slots", .body = SLOTS(UNWELL_SLOT, IDLE_SLOT)}, {0}};

	snprintf(path, sizeof(path), "%s", in_home("node.sock"));
	assert_int_equal(run(KERNEL("use-generic")), 0);
	assert_int_equal(
		system("grub-editenv $TR_FAKE_ROOT/boot/grub/grubenv unset next_entry"), 0);
	tree_run(&tree, TREE_GENERIC);
	assert_int_equal(run(KERNEL("boot-ok", "--wait", "1s", "--socket", path)), 1);
	assert_non_null(strstr(read_home("said"), "stays on trial"));

	server = node_server_start(path, NULL, unwell);
	assert_int_equal(run(KERNEL("boot-ok", "--wait", "1s", "--socket", path)), 1);
	assert_non_null(strstr(read_home("said"), "no slot has proved itself yet"));
	node_server_stop(server);
	(void)unlink(path);
	assert_false(tree_says(&tree, "/etc/default/grub.d/zz-telerec.cfg", "GRUB_DEFAULT"));

	server = node_server_start(path, NULL, well);
	assert_int_equal(run(KERNEL("boot-ok", "--wait", "60s", "--socket", path)), 0);
	assert_null(strstr(node_server_log(server), "FAULT"));
	node_server_stop(server);
	assert_true(tree_says(&tree, "/etc/default/grub.d/zz-telerec.cfg",
		"GRUB_DEFAULT=\"" TREE_GENERIC_PATH "\"\n"));
	assert_int_equal(run(KERNEL("undo")), 0);
	assert_false(tree_has(&tree, "/etc/default/grub.d/zz-telerec.cfg"));
}

int main(void)
{
#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		IN_TREE(status_tells_what_is_and_what_to_do),
		IN_TREE(a_machine_that_telerec_cannot_change_is_told_apart),
		IN_TREE(wrong_words_are_told),
		IN_TREE(a_good_boot_needs_a_slot_that_has_proved_itself),
	};
	return cmocka_run_group_tests_name("kernel_verb", tests, NULL, NULL);
}
