/* Updates, with RAUC's own bundles and signatures; only its service, which writes to disks, is a
 * double. */
#include "test.h"

#include "shell.h"

#include "core/cleanup.h"
#include "core/file.h"
#include "system/update.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS "1.2.0"

static char home[64], why[TR_UPDATE_WHY];
static char line[128], env[128], keyring[128], bundle[128];
static struct tr_update_place place;
static struct tr_update_state state;

static void boot(const char *command_line, const char *memory)
{
	shell("echo '%s' >%s", command_line, line);
	shell("grub-editenv %s create && grub-editenv %s set %s", env, env, memory);
	assert_int_equal(tr_update_read_state(&place, &state), 0);
}

static int begin(void **unused)
{
	strcpy(home, "/tmp/telerec-update-XXXXXX");
	assert_non_null(mkdtemp(home));
	snprintf(line, sizeof(line), "%s/cmdline", home);
	snprintf(env, sizeof(env), "%s/grubenv", home);
	snprintf(keyring, sizeof(keyring), "%s/keys/cert.pem", home);
	snprintf(bundle, sizeof(bundle), "%s/u.raucb", home);
	place = (struct tr_update_place){line, env, keyring, RUNS};
	return 0;
}

static int end(void **unused)
{
	tr_file_remove_tree(home);
	return 0;
}

/* As the image's build makes them, of small files. */
static void make_bundle(const char *version, const char *keys)
{
	const char *tools = getenv("TR_SOURCE_DIR");

	shell("cd %s && { [ -e %s ] || %s/firmware-image/update/make-keys %s; } && mkdir -p live && "
	      "head -c 60000 /dev/urandom >live/root.squashfs && cp live/root.squashfs live/boot.squashfs && "
	      "%s/firmware-image/update/make-bundle live u.raucb %s %s >log 2>&1 || { cat log; exit 1; }",
		home, keys, tools, keys, tools, version, keys);
}

static int inspect(struct tr_update_bundle *info)
{
	return tr_update_inspect(&place, bundle, info, why, sizeof(why));
}

static void versions_are_compared_as_people_mean_them(void **unused)
{
	assert_true(tr_update_compare("0.9.0", "0.10.0") < 0);
	assert_true(tr_update_compare("1.0", "1.0.1") < 0);
	assert_true(tr_update_compare("1.0~rc1", "1.0") < 0);
	assert_true(tr_update_compare("2", "1.9.9") > 0);
	assert_int_equal(tr_update_compare("1.02", "1.2"), 0);
	assert_int_equal(tr_update_compare("", ""), 0);
	assert_true(tr_update_compare("telerec-1.9-amd64.raucb", "telerec-1.10-amd64.raucb") < 0);
}

static void a_new_slot_is_on_trial_until_it_is_kept(void **unused)
{
	boot("boot=telerec telerec.from=disk rauc.slot=B quiet",
		"'ORDER=B A' A_OK=1 A_TRY=0 B_OK=1 B_TRY=1 PROVEN=A");
	assert_string_equal(state.slot, "B");
	assert_string_equal(state.proven, "A");
	assert_true(state.is_trial);
	assert_true(state.other_ok);
	assert_string_equal(state.next, "A"); /* it had its one boot */

	assert_int_equal(tr_update_keep(&place, &state, why, sizeof(why)), 0);
	assert_int_equal(tr_update_read_state(&place, &state), 0);
	assert_false(state.is_trial);
	assert_string_equal(state.next, "B");
	shell("test $(stat -c %%s %s) = 1024 && grub-editenv %s list | grep -qx 'ORDER=B A'", env,
		env);
}

static void a_proven_slot_stays_next_however_often_it_started(void **unused)
{
	boot("rauc.slot=A", "'ORDER=A B' A_OK=1 A_TRY=1 B_OK=1 B_TRY=0 PROVEN=A");
	assert_false(state.is_trial);
	assert_string_equal(state.next, "A");
	boot("rauc.slot=A", "'ORDER=B A' A_OK=1 A_TRY=0 B_OK=1 B_TRY=0 PROVEN=A");
	assert_string_equal(state.next, "B"); /* an update was written */
	boot("rauc.slot=A", "'ORDER=B A' A_OK=1 A_TRY=0 B_OK=0 B_TRY=0 PROVEN=A");
	assert_string_equal(state.next, "A"); /* one was cut off */
	assert_false(state.other_ok);
}

static void a_stick_has_no_slots_and_a_broken_memory_is_told(void **unused)
{
	boot("boot=telerec telerec.from=live", "PROVEN=A");
	assert_string_equal(state.slot, "");
	shell("echo rauc.slot=A >%s && : >%s", line, env);
	assert_int_equal(tr_update_read_state(&place, &state), -EBADMSG);
	shell("rm %s", env);
	assert_int_equal(tr_update_read_state(&place, &state), -ENOENT);
}

static void a_bundle_with_our_signature_is_read(void **unused)
{
	struct tr_update_bundle info;

	make_bundle("1.3.0", "keys");
	assert_int_equal(inspect(&info), 0);
	assert_string_equal(info.version, "1.3.0");
	boot("rauc.slot=A", "'ORDER=A B' A_OK=1 A_TRY=0 B_OK=0 B_TRY=0 PROVEN=A");
	assert_int_equal(tr_update_judge(&place, &state, &info, why, sizeof(why)), 0);
}

static void another_key_and_damage_are_refused(void **unused)
{
	struct tr_update_bundle info;

	make_bundle("1.3.0", "keys");
	make_bundle("1.3.0", "others");
	assert_int_equal(inspect(&info), -EKEYREJECTED);
	assert_non_null(
		strstr(why, "is not signed with the key that this machine takes updates of"));
	shell("head -c 3000 /dev/urandom >%s", bundle);
	assert_int_equal(inspect(&info), -EBADMSG);
	assert_non_null(strstr(why, "is no update, or damaged"));
	shell("rm %s", bundle);
	assert_int_equal(inspect(&info), -ENOENT);
	shell("touch %s && rm %s", bundle, keyring);
	assert_int_equal(inspect(&info), -ENOENT);
	assert_non_null(strstr(why, "no certificate"));
}

static void what_does_not_fit_is_told_apart(void **unused)
{
	struct tr_update_bundle info = {"1.3.0", TR_UPDATE_COMPATIBLE};

	boot("rauc.slot=B", "'ORDER=B A' A_OK=1 A_TRY=0 B_OK=1 B_TRY=1 PROVEN=A");
	assert_int_equal(tr_update_judge(&place, &state, &info, why, sizeof(why)), -EAGAIN);
	strcpy(info.version, "1.1.9");
	assert_int_equal(tr_update_judge(&place, &state, &info, why, sizeof(why)), -EALREADY);
	assert_non_null(strstr(why, "which is newer"));
	strcpy(info.version, RUNS);
	assert_int_equal(tr_update_judge(&place, &state, &info, why, sizeof(why)), -EALREADY);
	strcpy(info.compatible, "toaster");
	assert_int_equal(tr_update_judge(&place, &state, &info, why, sizeof(why)), -EMEDIUMTYPE);
	state.slot[0] = '\0';
	assert_int_equal(tr_update_judge(&place, &state, &info, why, sizeof(why)), -ENOTSUP);
}

static void what_rauc_says_of_a_failure_is_passed_on(void **unused)
{
	TR_CLEANUP(tr_freep) char *before = strdup(getenv("PATH"));
	char path[PATH_MAX];

	shell("mkdir %s/bin && printf '#!/bin/sh\\n[ \"$1\" = install ] || exit 64\\n"
	      "echo LastError: the disk is full; exit 1\\n' >%s/bin/rauc && chmod 755 %s/bin/rauc",
		home, home, home);
	snprintf(path, sizeof(path), "%s/bin:%.3000s", home, before);
	setenv("PATH", path, 1);
	int rc = tr_update_install(bundle, why, sizeof(why));
	setenv("PATH", before, 1);
	assert_int_equal(rc, -EIO);
	assert_string_equal(why, "RAUC did not install it: LastError: the disk is full");
}

int main(void)
{
	static const char *const tools[] = {"rauc", "grub-editenv", "openssl", "mksquashfs"};
	char command[64];

	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	for (size_t i = 0; i < TR_COUNT(tools); i++) {
		snprintf(command, sizeof(command), "command -v %s >/dev/null", tools[i]);
		if (system(command) != 0) {
			printf("skipped: %s is not installed\n", tools[i]);
			return 77;
		}
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_compared_as_people_mean_them),
		cmocka_unit_test_setup_teardown(
			a_new_slot_is_on_trial_until_it_is_kept, begin, end),
		cmocka_unit_test_setup_teardown(
			a_proven_slot_stays_next_however_often_it_started, begin, end),
		cmocka_unit_test_setup_teardown(
			a_stick_has_no_slots_and_a_broken_memory_is_told, begin, end),
		cmocka_unit_test_setup_teardown(a_bundle_with_our_signature_is_read, begin, end),
		cmocka_unit_test_setup_teardown(another_key_and_damage_are_refused, begin, end),
		cmocka_unit_test_setup_teardown(what_does_not_fit_is_told_apart, begin, end),
		cmocka_unit_test_setup_teardown(
			what_rauc_says_of_a_failure_is_passed_on, begin, end),
	};
	return cmocka_run_group_tests_name("update", tests, NULL, NULL);
}
