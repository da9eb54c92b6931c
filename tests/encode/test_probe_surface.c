/* The probe's proof of zero-copy, with the real libva and FFmpeg: given where the colours are
 * right, and a reason where not. */
#include "test.h"

#include "encode/gpu.h"
#include "encode/probe_gpu.h"
#include "peers/gpu/world.h"

#include <libavcodec/avcodec.h>

static const struct tr_video_ops *ops;
static const struct tr_probe_gpu *gpu;

static int load(void **state)
{
	char problem[300];
	void *found = NULL;

	int rc = tr_gpu_load(TR_RUNG_VAAPI, -1, problem, sizeof(problem), &ops);
	if (rc == 0)
		rc = tr_gpu_load_symbol(TR_PROBE_GPU_SYMBOL, -1, problem, sizeof(problem), &found);
	gpu = found;
	return rc;
}

static struct tr_probe_test make_test(int width, int height)
{
	return (struct tr_probe_test){.rung = {.kind = TR_RUNG_VAAPI,
					      .rate = TR_RUNG_RATE_VBR,
					      .profile = 100,
					      .device = "/dev/dri/renderD128"},
		.settings = {
			.width = width, .height = height, .rate = 30, .quality = 20, .kbps = 4000}};
}

static void a_device_is_proved_or_says_why_not(void **state)
{
	static const struct {
		const char *words;
		int width, height, rc;
		const char *said;
	} rows[] = {
		{"personality=intel-new", 320, 192, 0, ""},
		{"personality=intel-new", 1366, 768, 0, ""},
		{"personality=intel-new,lazy,no-derive", 330, 182, 0, ""},
		{"personality=intel-new,no-background", 330, 182, 0, ""},
		{"personality=amd", 320, 192, 0, ""},
		{"personality=intel-new,no-vpp", 320, 192, -ENOTSUP, "no converter (VPP)"},
		{"personality=lp-only", 320, 192, -ENOTSUP, "no converter (VPP)"},
		{"personality=intel-new,no-rgb", 320, 192, -ENOTSUP, "reads no RGB"},
		{"personality=intel-old", 320, 192, -ENOTSUP, "does not share its surfaces"},
		{"personality=amd,fault=import", 320, 192, -ENOTSUP, "does not import"},
		{"personality=intel-new,fault=vpp", 320, 192, -EIO, "does not convert"},
		{"personality=intel-new,fault=colours", 320, 192, -EPROTO,
			"Y is 81 instead of 63 for RGB 255, 0, 0"},
		{"personality=intel-new,fault=end@1", 320, 192, -EIO, "24"},
		{"personality=intel-new,fault=init", 320, 192, -EIO, "init failed"},
	};

	for (size_t i = 0; i < TR_COUNT(rows); i++) {
		struct tr_probe_test test = make_test(rows[i].width, rows[i].height);
		tr_world_words(rows[i].words);
		int rc = gpu->run_surface_test(ops, &test);
		if (rc != rows[i].rc || !strstr(test.problem, rows[i].said))
			print_error("%s: %d, %s\n", rows[i].words, rc, test.problem);
		assert_int_equal(rc, rows[i].rc);
		assert_non_null(strstr(test.problem, rows[i].said));
		assert_int_equal(test.problem[0] == '\0', rc == 0);
		/* FFmpeg 7.1's encoder itself loses pictures when it is closed. */
		if (!strstr(rows[i].words, "init") && avcodec_version() >> 16 <= 59)
			assert_false(tr_world_logged("leaked"));
	}
}

static void what_reads_no_surfaces_says_so(void **state)
{
	struct tr_video_ops none = *ops;
	struct tr_probe_test test = make_test(320, 192);

	none.attach = NULL;
	assert_int_equal(gpu->run_surface_test(&none, &test), -ENOTSUP);
	assert_string_equal(test.problem, "this way to encode reads no surfaces");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_is_proved_or_says_why_not),
		cmocka_unit_test(what_reads_no_surfaces_says_so),
	};
	tr_world_enter("intel");
	return cmocka_run_group_tests_name("probe_surface", tests, load, NULL);
}
