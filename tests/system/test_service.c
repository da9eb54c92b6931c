#include "test.h"

#include "core/file.h"
#include "system/service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void slots_are_our_own_unless_the_unit_says_where_they_report(void **state)
{
	char folder[200], home[] = "/tmp/telerec-service-XXXXXX", wanted[100];
	struct stat st;

	unsetenv("TELEREC_SLOT_SOCKETS");
	assert_int_equal(tr_service_find_slot_sockets("auto", folder, sizeof(folder)), 0);
	assert_string_equal(folder, "");

	assert_non_null(mkdtemp(home));
	snprintf(wanted, sizeof(wanted), "%s/slots", home);
	setenv("TELEREC_SLOT_SOCKETS", wanted, 1);
	assert_int_equal(tr_service_find_slot_sockets("own", folder, sizeof(folder)), 0);
	assert_string_equal(folder, "");
	for (int i = 0; i < 2; i++) { /* also when it is there already */
		assert_int_equal(tr_service_find_slot_sockets(
					 i ? "systemd" : "auto", folder, sizeof(folder)),
			0);
		assert_string_equal(folder, wanted);
		assert_int_equal(stat(wanted, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0711);
	}
	setenv("TELEREC_SLOT_SOCKETS", "/nonexistent/slots", 1);
	assert_int_equal(tr_service_find_slot_sockets("auto", folder, sizeof(folder)), -ENOENT);
	unsetenv("TELEREC_SLOT_SOCKETS");
	tr_file_remove_tree(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_are_our_own_unless_the_unit_says_where_they_report),
	};
	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
