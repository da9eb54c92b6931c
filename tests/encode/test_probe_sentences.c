/* What people meet, and the sentence and the cure they get. */
#include "test.h"

#include "encode/probe_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct tr_probe_symptom intel = {
	.node = "/dev/dri/renderD128",
	.kernel_driver = "i915",
	.vendor = "Intel",
	.driver = "iHD",
	.driver_text = "",
	.words = "",
	.stage = "",
	.group = "render",
	.gid = 993,
	.uid = 1000,
};

static struct tr_probe_finding finding;

/* The cause, and words that must be in the sentence and in the cure. */
static void expect(struct tr_probe_symptom s, const char *cause, const char *said, const char *cure)
{
	tr_probe_explain(&s, &finding);
	assert_string_equal(finding.cause, cause);
	if (!strstr(finding.problem, said) || !strstr(finding.cure, cure))
		fail_msg("%s: \"%s\" / \"%s\"", cause, finding.problem, finding.cure);
	assert_int_equal(finding.problem[strlen(finding.problem) - 1], '.');
}

static int clean(void **state)
{
	unsetenv("LIBVA_DRIVER_NAME");
	unsetenv("LIBVA_DRIVERS_PATH");
	return 0;
}

static void a_missing_group_is_named_with_the_command(void **state)
{
	struct tr_probe_symptom s = intel;

	s.place = TR_PROBE_OPEN;
	s.error = EACCES;
	expect(s, "no-permission", "belongs to group render", "usermod -aG render");
	s.is_container = true;
	expect(s, "no-permission", "993", "--group-add 993");
	s.is_container = false;
	s.group = ""; /* the number has no name here: it comes from another system */
	expect(s, "no-permission", "993", "--device /dev/dri --group-add 993");
}

static void a_node_that_is_hidden_or_forbidden_is_told_apart(void **state)
{
	struct tr_probe_symptom s = intel;

	s.place = TR_PROBE_OPEN;
	s.error = EPERM;
	expect(s, "device-forbidden", "control group", "DeviceAllow=char-drm rw");
	s.error = ENOENT;
	s.is_container = true;
	expect(s, "no-device", "no such device here", "--device /dev/dri");
	s.error = EIO;
	expect(s, "cannot-open", "Input/output error", "journalctl -k");
}

static void a_missing_driver_names_the_package(void **state)
{
	struct tr_probe_symptom s = intel;

	s.place = TR_PROBE_START;
	s.status = -1;
	expect(s, "no-driver", "\"iHD\" and \"i965\"", "apt install intel-media-va-driver");
	s.kernel_driver = "xe";
	expect(s, "no-driver", "no driver \"iHD\"", "apt install intel-media-va-driver");
	s.kernel_driver = "amdgpu";
	s.vendor = "AMD";
	s.driver = "radeonsi";
	expect(s, "no-driver", "\"radeonsi\"", "apt install mesa-va-drivers");
	setenv("LIBVA_DRIVER_NAME", "wrong", 1);
	expect(s, "no-driver", "radeonsi", "unset LIBVA_DRIVER_NAME");
	unsetenv("LIBVA_DRIVER_NAME");
	s.kernel_driver = "virtio_gpu";
	s.vendor = s.driver = "";
	expect(s, "no-driver", "virtio_gpu", "nothing is known");
}

static void a_driver_that_does_not_start_has_its_own_cure(void **state)
{
	struct tr_probe_symptom s = intel;

	s.place = TR_PROBE_START;
	s.status = 1;
	expect(s, "driver-failed", "iHD does not start", "a newer kernel");
	s.driver = "i965";
	expect(s, "driver-failed", "i965 does not start", "apt install intel-media-va-driver");
	s.driver = "radeonsi";
	s.status = 2;
	expect(s, "driver-failed", "VA status 2", "virtual machine");
	s.words = "libva: iHD_drv_video.so has no function __vaDriverInit_1_0\n";
	expect(s, "driver-version", "another version of libva", "--reinstall");
	/* the last name was not there, but the first one failed */
	s.driver = "iHD";
	s.status = -1;
	s.words = "libva: /usr/lib/dri/iHD_drv_video.so init failed\n";
	expect(s, "driver-failed", "iHD does not start", "a newer kernel");
}

static void a_driver_without_an_encoder_is_told_by_vendor(void **state)
{
	struct tr_probe_symptom s = intel;

	s.place = TR_PROBE_ENCODERS;
	s.has_h264 = true;
	expect(s, "no-encoder", "can decode H.264", "intel-media-va-driver-non-free");
	s.vendor = "AMD";
	s.kernel_driver = "amdgpu";
	s.driver = "radeonsi";
	s.has_h264 = false;
	expect(s, "no-encoder", "knows no H.264", "mesa-va-drivers");
	s.vendor = "NVIDIA";
	s.kernel_driver = "nvidia-drm";
	expect(s, "no-encoder", "do not encode through VA-API", "nothing need be done");
}

static void a_failed_test_says_why_and_names_the_firmware(void **state)
{
	struct tr_probe_symptom s = intel;

	s.place = TR_PROBE_TEST;
	s.words = "the colours are not those that went in";
	expect(s, "test-failed", "the colours are not those", "another way to encode");
	s.is_low_power = true;
	s.words = "it does not open: Driver does not support any RC mode compatible with selected "
		  "options (supported modes: CQP)";
	expect(s, "no-firmware", "supported modes: CQP", "i915.enable_guc=2");
	s.words = "the driver gives empty packets";
	expect(s, "no-firmware", "empty packets", "firmware-misc-nonfree");
	s.is_low_power = false;
	expect(s, "test-failed", "empty packets", "another way");
}

static void a_driver_that_hangs_crashes_or_exits_is_told_apart(void **state)
{
	struct tr_probe_symptom s = intel;

	s.place = TR_PROBE_START;
	s.stage = "vaInitialize";
	s.has_hung = s.has_ended = true;
	s.wait_status = SIGKILL;
	expect(s, "driver-hangs", "hung while it was asked, in vaInitialize", "journalctl -k");
	s.has_hung = false;
	s.wait_status = SIGABRT;
	expect(s, "driver-crashes", "signal 6", "journalctl -k");
	s.wait_status = 1 << 8;
	s.place = TR_PROBE_TEST;
	expect(s, "driver-exits", "ended the process in its self-test", "journalctl -k");
	assert_non_null(strstr(finding.problem, "exit code 1"));
}

static void long_words_are_cut_and_stay_sentences(void **state)
{
	char words[2000];
	struct tr_probe_symptom s = intel;

	memset(words, 'w', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	s.place = TR_PROBE_TEST;
	s.words = words;
	expect(s, "test-failed", "www", "");
	assert_true(strlen(finding.problem) < TR_PROBE_SENTENCE_MAX - 1);
}

static void nothing_wrong_says_nothing(void **state)
{
	struct tr_probe_symptom s = intel;

	tr_probe_explain(&s, &finding);
	assert_string_equal(finding.cause, "");
	assert_string_equal(finding.problem, "");
	assert_string_equal(finding.cure, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_missing_group_is_named_with_the_command, clean),
		cmocka_unit_test_setup(a_node_that_is_hidden_or_forbidden_is_told_apart, clean),
		cmocka_unit_test_setup(a_missing_driver_names_the_package, clean),
		cmocka_unit_test_setup(a_driver_that_does_not_start_has_its_own_cure, clean),
		cmocka_unit_test_setup(a_driver_without_an_encoder_is_told_by_vendor, clean),
		cmocka_unit_test_setup(a_failed_test_says_why_and_names_the_firmware, clean),
		cmocka_unit_test_setup(a_driver_that_hangs_crashes_or_exits_is_told_apart, clean),
		cmocka_unit_test_setup(long_words_are_cut_and_stay_sentences, clean),
		cmocka_unit_test_setup(nothing_wrong_says_nothing, clean),
	};
	return cmocka_run_group_tests_name("probe_sentences", tests, NULL, NULL);
}
