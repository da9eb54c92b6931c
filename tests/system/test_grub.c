/* The collection that the fuzzer starts from: tests/fuzz/corpus/grub. */
#include "test.h"

#include "core/file.h"
#include "system/grub.h"
#include "system/grubenv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define UUID "0f1e2d3c-1111-4222-8333-444455556666"
#define ADVANCED "gnulinux-advanced-" UUID

static struct tr_grub_menu menu;

static void read_menu(const char *name)
{
	char path[PATH_MAX], *text;
	size_t size;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/grub/%s.cfg", getenv("TR_SOURCE_DIR"),
		name);
	assert_int_equal(tr_file_read(AT_FDCWD, path, TR_GRUB_TEXT_MAX, &text, &size), 0);
	assert_int_equal(tr_grub_parse(text, &menu), 0);
	free(text);
}

static int release(void **state)
{
	tr_grub_menu_release(&menu);
	return 0;
}

/* Each entry's path chooses it, as GRUB would. */
static void check_paths(void)
{
	for (unsigned i = 0; i < menu.count; i++)
		assert_ptr_equal(tr_grub_find(&menu, menu.entries[i].path), &menu.entries[i]);
}

static void expect_version(const char *name, const char *version, const char *path)
{
	read_menu(name);
	check_paths();
	const struct tr_grub_entry *entry = tr_grub_find_version(&menu, version);
	assert_non_null(entry);
	assert_string_equal(entry->path, path);
	assert_false(entry->is_recovery);
	assert_true(tr_grub_names(&menu, path));
	tr_grub_menu_release(&menu);
}

static void a_kernel_is_chosen_by_submenu_and_entry(void **state)
{
#define IN_ADVANCED(version) ADVANCED ">gnulinux-" version "-advanced-" UUID
	expect_version("debian12", "6.1.0-49-amd64", IN_ADVANCED("6.1.0-49-amd64"));
	expect_version(
		"debian12-cloud", "6.1.0-50-cloud-amd64", IN_ADVANCED("6.1.0-50-cloud-amd64"));
	expect_version("debian12-both", "6.1.0-50-amd64", IN_ADVANCED("6.1.0-50-amd64"));
	expect_version("debian13-boot-partition", "6.12.107+deb13-amd64",
		IN_ADVANCED("6.12.107+deb13-amd64"));
	expect_version("ubuntu-22.04", "5.15.0-130-generic", IN_ADVANCED("5.15.0-130-generic"));
	expect_version("ubuntu-saved", "6.8.0-1021-azure", IN_ADVANCED("6.8.0-1021-azure"));
	expect_version("ubuntu-aws", "6.8.0-1021-aws", IN_ADVANCED("6.8.0-1021-aws"));
	expect_version("ubuntu-aws", "6.8.0-51-generic", IN_ADVANCED("6.8.0-51-generic"));
	expect_version("xen", "6.1.0-50-amd64", IN_ADVANCED("6.1.0-50-amd64"));
	expect_version("os-prober", "6.1.0-50-amd64", IN_ADVANCED("6.1.0-50-amd64"));
	expect_version("centos-efi", "3.10.0-1160.el7.x86_64",
		"gnulinux-3.10.0-1160.el7.x86_64-advanced-c0");
	expect_version("no-ids", "6.6.30", "The cellar>Linux 6.6.30");
	expect_version("no-ids", "6.1.7", "Linux 6.1.7");
	expect_version("nested", "2-b", "top>middle>bottom>leaf");
	expect_version("nested", "3-c", "top>middle>last");
	expect_version("nested", "4-d", "top>beside");
}

static void titles_may_hold_anything(void **state)
{
	expect_version("quotes", "1.0-bob", "bob's");
	expect_version("quotes", "2.0", "said");
	expect_version("quotes", "3.0", "A >> B>x>>>>y");
	expect_version("quotes", "3.1", "A >> B>1");
	expect_version("quotes", "3.2", "A >> B>{braces} ; # and \"more\"");
	expect_version("quotes", "4.0-生", "録画");
	expect_version("quotes", "5.0", "two>>words");
	expect_version("quotes", "6.0", "over\ntwo lines");
	read_menu("quotes");
	assert_string_equal(menu.entries[0].title, "Bob's kernel");
	assert_string_equal(menu.entries[1].title, "He said \"boot\" for $5 and a \\");
	assert_string_equal(tr_grub_find_version(&menu, "4.0-生")->title, "Übergröße – 録画機 🎥");
}

static void names_that_read_as_numbers_are_chosen_by_their_number(void **state)
{
	expect_version("digits", "6.1", "0");
	expect_version("digits", "6.2", "same");
	expect_version("digits", "6.3", "2");
	expect_version("digits", "6.4", "3");
	expect_version("digits", "6.5", "4>same");
	expect_version("digits", "6.6", "4>1");
}

static void recovery_and_other_systems_are_not_taken_for_the_kernel(void **state)
{
	read_menu("ubuntu-22.04");
	unsigned recoveries = 0;
	for (unsigned i = 0; i < menu.count; i++)
		recoveries += menu.entries[i].is_recovery;
	assert_int_equal(recoveries, 2);
	assert_int_equal(menu.count, 9);
	tr_grub_menu_release(&menu);

	read_menu("os-prober");
	assert_null(tr_grub_find_version(&menu, "6.8.5"));
	assert_string_equal(tr_grub_find(&menu, "osprober-efi-AB12-CD34")->image, "");
	tr_grub_menu_release(&menu);

	read_menu("openwrt"); /* an image without a version */
	assert_int_equal(menu.count, 2);
	assert_string_equal(menu.entries[0].image, "/boot/vmlinuz");
	assert_string_equal(menu.entries[0].version, "");
	assert_false(menu.knows_next);
	assert_true(menu.saves_nothing);
	tr_grub_menu_release(&menu);

	read_menu("fedora-bls");
	assert_true(menu.is_bls);
	assert_int_equal(menu.count, 0);
	assert_null(tr_grub_find(&menu, ""));
}

static void the_default_is_what_grub_would_take(void **state)
{
	read_menu("debian12-both");
	assert_true(menu.knows_next);
	assert_false(menu.saves_nothing);
	assert_string_equal(tr_grub_default(&menu, "ignored"), "0");
	assert_string_equal(tr_grub_find(&menu, "0")->version, "6.1.0-50-cloud-amd64");
	assert_string_equal(tr_grub_find(&menu, "1>2")->version, "6.1.0-50-amd64");
	assert_string_equal(
		tr_grub_find(&menu, "Advanced options for Debian GNU/Linux>Debian GNU/Linux, with "
				    "Linux 6.1.0-50-amd64")
			->version,
		"6.1.0-50-amd64");
	assert_false(tr_grub_names(&menu, "1"));
	assert_true(tr_grub_names(&menu, "1>2"));
	tr_grub_menu_release(&menu);

	read_menu("debian12-chosen");
	assert_string_equal(
		tr_grub_find(&menu, tr_grub_default(&menu, ""))->version, "6.1.0-50-amd64");
	tr_grub_menu_release(&menu);

	read_menu("ubuntu-saved");
	assert_string_equal(tr_grub_default(&menu, "1>2"), "1>2");
	assert_string_equal(tr_grub_find(&menu, "1>2")->version, "6.8.0-1021-azure");
	/* Nothing saved yet, and a kernel that has gone: GRUB takes the first. */
	assert_int_equal(tr_grub_find(&menu, "")->position, 0);
	assert_int_equal(tr_grub_find(&menu, "gone")->position, 0);
	assert_false(tr_grub_names(&menu, ADVANCED ">gone"));
	tr_grub_menu_release(&menu);

	read_menu("no-ids");
	assert_string_equal(tr_grub_find(&menu, menu.chosen)->version, "6.6.30");
}

static void a_broken_file_is_read_as_far_as_it_goes(void **state)
{
	read_menu("cut-short");
	assert_int_equal(menu.count, 5);
	check_paths();
	tr_grub_menu_release(&menu);
	read_menu("braces");
	check_paths();
	tr_grub_menu_release(&menu);
	read_menu("empty");
	assert_int_equal(menu.count, 0);
	assert_string_equal(menu.chosen, "");
}

static void too_many_entries_are_refused(void **state)
{
	size_t each = strlen("menuentry a {}\n"), count = TR_GRUB_ENTRIES_MAX + 1;
	char *text = calloc(count, each + 1);

	for (size_t i = 0; i < count; i++)
		memcpy(text + i * each, "menuentry a {}\n", each);
	assert_int_equal(tr_grub_parse(text, &menu), -E2BIG);
	assert_int_equal(menu.count, 0);
	free(text);
}

static void the_memory_of_grub_is_read(void **state)
{
	char block[TR_GRUBENV_SIZE], value[64], tiny[4];

	memset(block, '#', sizeof(block));
	const char text[] = "# GRUB Environment Block\n# WARNING: Do not edit\n"
			    "saved_entry=1>2\nodd=a\\\\b\\\nnext_entry=no\nnext_entry=gen>one\n";
	memcpy(block, text, strlen(text));
	assert_int_equal(tr_grubenv_get(block, sizeof(block), "saved_entry", value, 64), 0);
	assert_string_equal(value, "1>2");
	assert_int_equal(tr_grubenv_get(block, sizeof(block), "next_entry", value, 64), 0);
	assert_string_equal(value, "gen>one");
	assert_int_equal(tr_grubenv_get(block, sizeof(block), "next", value, 64), 0);
	assert_string_equal(value, "");
	assert_int_equal(
		tr_grubenv_get(block, sizeof(block), "next_entry", tiny, 4), -ENAMETOOLONG);
	assert_int_equal(tr_grubenv_get("not one", 7, "next_entry", value, 64), -EINVAL);
}

static void settings_are_read_in_their_order(void **state)
{
	char value[TR_GRUB_VALUE_MAX] = "before", file[PATH_MAX],
	     root[] = "/tmp/telerec-grub-XXXXXX";

	tr_grub_read_setting("# GRUB_DEFAULT=9\nGRUB_TIMEOUT=5\n", "GRUB_DEFAULT", value, 64);
	assert_string_equal(value, "before");
	tr_grub_read_setting(
		"GRUB_DEFAULT=0\nexport GRUB_DEFAULT=\"a>b c\" # why\n", "GRUB_DEFAULT", value, 64);
	assert_string_equal(value, "a>b c");

	assert_non_null(mkdtemp(root));
	tr_grub_find_setting(root, "GRUB_DEFAULT", value, sizeof(value), file);
	assert_string_equal(value, "");
	char folder[PATH_MAX];
	snprintf(folder, sizeof(folder), "%s/etc/default/grub.d", root);
	assert_int_equal(tr_file_make_folders(folder, 0755), 0);
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int above = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(tr_file_replace(above, "grub", "GRUB_DEFAULT=1\n", 15), 0);
	close(above);
	assert_int_equal(tr_file_replace(dir, "90-b.cfg", "GRUB_DEFAULT='x>y'\n", 19), 0);
	assert_int_equal(tr_file_replace(dir, "50-a.cfg", "GRUB_DEFAULT=saved\n", 19), 0);
	assert_int_equal(tr_file_replace(dir, "99-c.cfg.old", "GRUB_DEFAULT=7\n", 15), 0);
	assert_int_equal(tr_file_replace(dir, "95-empty.cfg", "GRUB_TIMEOUT=7\n", 15), 0);
	close(dir);
	tr_grub_find_setting(root, "GRUB_DEFAULT", value, sizeof(value), file);
	assert_string_equal(value, "x>y");
	assert_non_null(strstr(file, "90-b.cfg"));
	tr_file_remove_tree(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_kernel_is_chosen_by_submenu_and_entry, release),
		cmocka_unit_test_teardown(titles_may_hold_anything, release),
		cmocka_unit_test_teardown(
			names_that_read_as_numbers_are_chosen_by_their_number, release),
		cmocka_unit_test_teardown(
			recovery_and_other_systems_are_not_taken_for_the_kernel, release),
		cmocka_unit_test_teardown(the_default_is_what_grub_would_take, release),
		cmocka_unit_test_teardown(a_broken_file_is_read_as_far_as_it_goes, release),
		cmocka_unit_test_teardown(too_many_entries_are_refused, release),
		cmocka_unit_test(the_memory_of_grub_is_read),
		cmocka_unit_test(settings_are_read_in_their_order),
	};
	return cmocka_run_group_tests_name("grub", tests, NULL, NULL);
}
