/* What is missing on our own image does not come by packages. */
#include "test.h"

#include "core/appliance.h"
#include "core/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char root[64];

static int begin(void **state)
{
	strcpy(root, "/tmp/telerec-appliance-XXXXXX");
	assert_non_null(mkdtemp(root));
	return 0;
}

static int end(void **state)
{
	tr_file_remove_tree(root);
	return 0;
}

static void make_image(void)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/usr/lib/telerec-image", root);
	assert_int_equal(tr_file_make_folders(path, 0755), 0);
}

static void a_package_is_installed_where_one_can(void **state)
{
	assert_false(tr_appliance_is_here(root));
	assert_string_equal(
		tr_appliance_cure(root, "apt-get install xvfb\n"), "apt-get install xvfb\n");
}

static void the_image_is_updated_instead(void **state)
{
	make_image();
	assert_true(tr_appliance_is_here(root));
	assert_string_equal(
		tr_appliance_cure(root, "apt-get install xvfb\n"), "telerec update --from-stick\n");
	assert_string_equal(
		tr_appliance_cure(root, "apt install chromium"), "telerec update --from-stick");
}

static void what_is_no_package_stays(void **state)
{
	make_image();
	assert_string_equal(
		tr_appliance_cure(root, "modprobe snd-aloop\n"), "modprobe snd-aloop\n");
	assert_string_equal(tr_appliance_cure(root, ""), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_package_is_installed_where_one_can, begin, end),
		cmocka_unit_test_setup_teardown(the_image_is_updated_instead, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_package_stays, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
