/* The test driver itself, by libva alone: what it refuses, conversion, and memory from elsewhere.
 */
#include "test.h"

#include "peers/gpu/world.h"

#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <sys/mman.h>

#include <drm_fourcc.h>
#include <va/va.h>
#include <va/va_drm.h>
#include <va/va_drmcommon.h>
#include <va/va_vpp.h>

#define WIDTH 160
#define HEIGHT 96
#define PITCH (WIDTH * 4)

static VADisplay display;
static int node = -1;

static void be_quiet(void *context, const char *message)
{
}

static void open_display(const char *words)
{
	int major, minor;

	tr_world_words(words);
	node = open("/dev/dri/renderD128", O_RDWR | O_CLOEXEC);
	assert_true(node >= 0);
	display = vaGetDisplayDRM(node);
	assert_non_null(display);
	vaSetErrorCallback(display, be_quiet, NULL);
	vaSetInfoCallback(display, be_quiet, NULL);
	assert_int_equal(vaInitialize(display, &major, &minor), 0);
}

static void close_display(void)
{
	vaTerminate(display);
	close(node);
}

static VAStatus create_config(uint32_t rate_control, uint32_t packed, VAConfigID *ret)
{
	VAConfigAttrib attributes[] = {{VAConfigAttribRTFormat, VA_RT_FORMAT_YUV420},
		{VAConfigAttribRateControl, rate_control},
		{VAConfigAttribEncPackedHeaders, packed}};

	return vaCreateConfig(display, VAProfileH264High, VAEntrypointEncSlice, attributes, 3, ret);
}

static void a_config_takes_only_what_was_offered(void **state)
{
	VAConfigID config;

	open_display("personality=amd");
	assert_int_equal(create_config(VA_RC_CQP, 0, &config), 0);
	assert_int_equal(vaDestroyConfig(display, config), 0);
	assert_int_equal(vaDestroyConfig(display, config), VA_STATUS_ERROR_INVALID_CONFIG);
	assert_int_equal(create_config(VA_RC_CBR | VA_RC_VBR, 0, &config),
		VA_STATUS_ERROR_ATTR_NOT_SUPPORTED);
	assert_int_equal(create_config(VA_RC_ICQ, 0, &config), VA_STATUS_ERROR_ATTR_NOT_SUPPORTED);
	assert_int_equal(create_config(VA_RC_CQP, VA_ENC_PACKED_HEADER_SEQUENCE, &config),
		VA_STATUS_ERROR_ATTR_NOT_SUPPORTED);
	assert_int_equal(vaCreateConfig(display, VAProfileH264High, VAEntrypointEncSliceLP, NULL, 0,
				 &config),
		VA_STATUS_ERROR_UNSUPPORTED_ENTRYPOINT);
	close_display();
}

static void a_picture_without_its_parameters_is_refused(void **state)
{
	VAConfigID config;
	VAContextID context;
	VASurfaceID surface;
	VABufferID coded;
	void *mapped;

	open_display("personality=intel-new");
	assert_int_equal(create_config(VA_RC_CQP, 0, &config), 0);
	assert_int_equal(vaCreateContext(display, config, 64, 16, 0, NULL, 0, &context),
		VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED);
	assert_int_equal(vaCreateContext(display, config, 64, 64, 0, NULL, 0, &context), 0);
	assert_int_equal(
		vaCreateSurfaces(display, VA_RT_FORMAT_YUV420, 64, 64, &surface, 1, NULL, 0), 0);
	assert_int_equal(
		vaCreateBuffer(display, context, VAEncCodedBufferType, 65536, 1, NULL, &coded), 0);
	assert_int_equal(vaMapBuffer(display, coded, &mapped), VA_STATUS_ERROR_OPERATION_FAILED);
	assert_int_equal(vaEndPicture(display, context), VA_STATUS_ERROR_OPERATION_FAILED);
	assert_int_equal(vaBeginPicture(display, context, surface), 0);
	assert_int_equal(
		vaBeginPicture(display, context, surface), VA_STATUS_ERROR_OPERATION_FAILED);
	assert_int_equal(vaEndPicture(display, context), VA_STATUS_ERROR_INVALID_PARAMETER);
	assert_int_equal(vaDestroySurfaces(display, &surface, 1), 0);
	assert_int_equal(
		vaBeginPicture(display, context, surface), VA_STATUS_ERROR_INVALID_SURFACE);
	close_display();
	assert_true(tr_world_logged("leaked configs=1"));
	assert_true(tr_world_logged("leaked contexts=1"));
	assert_true(tr_world_logged("leaked buffers=1"));
	assert_true(tr_world_logged("terminate leaks=3"));
}

static int make_memory(size_t size, uint8_t **ret)
{
	int fd = memfd_create("pixels", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	*ret = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(*ret != MAP_FAILED);
	return fd;
}

static VAStatus import(int fd, uint64_t modifier, VASurfaceID *ret)
{
	VADRMPRIMESurfaceDescriptor descriptor = {.fourcc = VA_FOURCC_BGRX,
		.width = WIDTH,
		.height = HEIGHT,
		.num_objects = 1,
		.objects = {{fd, PITCH * HEIGHT, modifier}},
		.num_layers = 1,
		.layers = {{.drm_format = DRM_FORMAT_XRGB8888, .num_planes = 1, .pitch = {PITCH}}}};
	VASurfaceAttrib attributes[] = {{VASurfaceAttribPixelFormat, VA_SURFACE_ATTRIB_SETTABLE,
						{VAGenericValueTypeInteger, {.i = VA_FOURCC_BGRX}}},
		{VASurfaceAttribMemoryType, VA_SURFACE_ATTRIB_SETTABLE,
			{VAGenericValueTypeInteger, {.i = VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2}}},
		{VASurfaceAttribExternalBufferDescriptor, VA_SURFACE_ATTRIB_SETTABLE,
			{VAGenericValueTypePointer, {.p = &descriptor}}}};

	return vaCreateSurfaces(display, VA_RT_FORMAT_RGB32, WIDTH, HEIGHT, ret, 1, attributes, 3);
}

static void only_linear_memory_that_is_large_enough_is_imported(void **state)
{
	uint8_t *pixels, *few;
	VASurfaceID surface;
	int fd = make_memory(PITCH * HEIGHT, &pixels), small = make_memory(PITCH, &few);

	open_display("personality=intel-new");
	assert_int_equal(import(fd, DRM_FORMAT_MOD_LINEAR, &surface), 0);
	assert_int_equal(vaDestroySurfaces(display, &surface, 1), 0);
	assert_int_equal(import(fd, I915_FORMAT_MOD_Y_TILED_CCS, &surface),
		VA_STATUS_ERROR_INVALID_PARAMETER);
	assert_int_equal(
		import(small, DRM_FORMAT_MOD_LINEAR, &surface), VA_STATUS_ERROR_INVALID_PARAMETER);
	close_display();
	assert_true(tr_world_logged("terminate leaks=0"));
	open_display("personality=intel-old");
	assert_int_equal(import(fd, DRM_FORMAT_MOD_LINEAR, &surface),
		VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE);
	close_display();
	munmap(pixels, PITCH * HEIGHT);
	munmap(few, PITCH);
	close(fd);
	close(small);
}

struct converter {
	VAConfigID config;
	VAContextID context;
	VASurfaceID from, to;
};

static void open_converter(struct converter *c, int fd)
{
	assert_int_equal(
		vaCreateConfig(display, VAProfileNone, VAEntrypointVideoProc, NULL, 0, &c->config),
		0);
	assert_int_equal(
		vaCreateContext(display, c->config, WIDTH, HEIGHT, 0, NULL, 0, &c->context), 0);
	assert_int_equal(
		vaCreateSurfaces(display, VA_RT_FORMAT_YUV420, WIDTH, HEIGHT, &c->to, 1, NULL, 0),
		0);
	assert_int_equal(import(fd, DRM_FORMAT_MOD_LINEAR, &c->from), 0);
}

static void close_converter(struct converter *c)
{
	assert_int_equal(vaDestroySurfaces(display, &c->from, 1), 0);
	assert_int_equal(vaDestroySurfaces(display, &c->to, 1), 0);
	assert_int_equal(vaDestroyContext(display, c->context), 0);
	assert_int_equal(vaDestroyConfig(display, c->config), 0);
}

static void convert(struct converter *c, bool is_709, bool is_full)
{
	VAProcPipelineParameterBuffer pipeline = {.surface = c->from,
		.output_color_standard =
			is_709 ? VAProcColorStandardBT709 : VAProcColorStandardExplicit,
		.output_color_properties = {.matrix_coefficients = 6,
			.color_range = is_full ? VA_SOURCE_RANGE_FULL : VA_SOURCE_RANGE_REDUCED}};
	VABufferID buffer;

	assert_int_equal(vaCreateBuffer(display, c->context, VAProcPipelineParameterBufferType,
				 sizeof(pipeline), 1, &pipeline, &buffer),
		0);
	assert_int_equal(vaBeginPicture(display, c->context, c->to), 0);
	assert_int_equal(vaRenderPicture(display, c->context, &buffer, 1), 0);
	assert_int_equal(vaEndPicture(display, c->context), 0);
	assert_int_equal(vaDestroyBuffer(display, buffer), 0);
}

/* Luma, or the two chroma values of a block, of what was converted. */
static int read_back(struct converter *c, int x, int y, int plane)
{
	VAImage image;
	uint8_t *data;

	assert_int_equal(vaSyncSurface(display, c->to), 0);
	assert_int_equal(vaDeriveImage(display, c->to, &image), 0);
	assert_int_equal(vaMapBuffer(display, image.buf, (void **)&data), 0);
	int value = plane == 0
			    ? data[image.offsets[0] + (unsigned)y * image.pitches[0] + (unsigned)x]
			    : data[image.offsets[1] + (unsigned)y / 2 * image.pitches[1] +
				      (unsigned)x / 2 * 2 + (unsigned)plane - 1];
	assert_int_equal(vaUnmapBuffer(display, image.buf), 0);
	assert_int_equal(vaDestroyImage(display, image.image_id), 0);
	return value;
}

static const uint8_t colours[][3] = {{255, 255, 255}, {0, 0, 0}, {255, 0, 0}, {0, 255, 0},
	{0, 0, 255}, {255, 255, 0}, {12, 200, 99}, {128, 128, 128}};

/* Blocks of 8 by 8 of one colour each. */
static void paint(uint8_t *pixels, size_t shift)
{
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++) {
			const uint8_t *rgb =
				colours[((size_t)(x / 8 + y / 8) + shift) % TR_COUNT(colours)];
			uint8_t *pixel = pixels + y * PITCH + x * 4;
			pixel[0] = rgb[2];
			pixel[1] = rgb[1];
			pixel[2] = rgb[0];
		}
}

static double reference(const uint8_t *rgb, int plane, bool is_709, bool is_full)
{
	double kr = is_709 ? 0.2126 : 0.299, kb = is_709 ? 0.0722 : 0.114;
	double y = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2];
	double luma = is_full ? 1 : 219 / 255.0, chroma = is_full ? 1 : 224 / 255.0;

	if (plane == 0)
		return y * luma + (is_full ? 0 : 16);
	if (plane == 1)
		return (rgb[2] - y) / (2 - 2 * kb) * chroma + 128;
	return (rgb[0] - y) / (2 - 2 * kr) * chroma + 128;
}

static void conversion_is_right_within_one(void **state)
{
	struct converter c;
	uint8_t *pixels;
	int fd = make_memory(PITCH * HEIGHT, &pixels);

	open_display("personality=intel-new");
	open_converter(&c, fd);
	paint(pixels, 0);
	for (int way = 0; way < 4; way++) {
		convert(&c, way & 1, way & 2);
		for (size_t i = 0; i < TR_COUNT(colours); i++)
			for (int plane = 0; plane < 3; plane++) {
				double want = reference(colours[i], plane, way & 1, way & 2);
				want = want > 255 ? 255 : want;
				double got = read_back(&c, (int)i * 8 + 3, 5, plane);
				assert_true(fabs(got - want) <= 1);
			}
	}
	close_converter(&c);
	close_display();
	assert_true(tr_world_logged("terminate leaks=0"));
	munmap(pixels, PITCH * HEIGHT);
	close(fd);
}

/* With "lazy" memory that is written again too early is seen to be. */
static void a_lazy_driver_reads_late(void **state)
{
	struct converter c;
	uint8_t *pixels;
	int fd = make_memory(PITCH * HEIGHT, &pixels);

	for (int is_lazy = 0; is_lazy < 2; is_lazy++) {
		open_display(is_lazy ? "personality=intel-new,lazy" : "personality=intel-new");
		open_converter(&c, fd);
		paint(pixels, 0);
		convert(&c, true, false);
		paint(pixels, 1);
		assert_int_equal(read_back(&c, 3, 5, 0), is_lazy ? 16 : 235);
		close_converter(&c);
		close_display();
		assert_true(tr_world_logged("terminate leaks=0"));
	}
	munmap(pixels, PITCH * HEIGHT);
	close(fd);
}

static void an_exported_surface_is_the_same_memory(void **state)
{
	VADRMPRIMESurfaceDescriptor descriptor;
	struct converter c;
	uint8_t *pixels;
	int fd = make_memory(PITCH * HEIGHT, &pixels);

	open_display("personality=amd");
	open_converter(&c, fd);
	paint(pixels, 0);
	convert(&c, true, false);
	assert_int_equal(vaSyncSurface(display, c.to), 0);
	assert_int_equal(
		vaExportSurfaceHandle(display, c.to, VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2,
			VA_EXPORT_SURFACE_READ_ONLY | VA_EXPORT_SURFACE_SEPARATE_LAYERS,
			&descriptor),
		0);
	assert_int_equal(descriptor.num_layers, 2);
	assert_int_equal(descriptor.layers[1].drm_format, DRM_FORMAT_GR88);
	uint8_t *seen = mmap(NULL, descriptor.objects[0].size, PROT_READ, MAP_SHARED,
		descriptor.objects[0].fd, 0);
	assert_true(seen != MAP_FAILED);
	assert_int_equal(seen[descriptor.layers[0].offset[0]], 235);
	assert_int_equal(seen[descriptor.layers[1].offset[0]], 128);
	munmap(seen, descriptor.objects[0].size);
	close(descriptor.objects[0].fd);
	close_converter(&c);
	close_display();
	munmap(pixels, PITCH * HEIGHT);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_config_takes_only_what_was_offered),
		cmocka_unit_test(a_picture_without_its_parameters_is_refused),
		cmocka_unit_test(only_linear_memory_that_is_large_enough_is_imported),
		cmocka_unit_test(conversion_is_right_within_one),
		cmocka_unit_test(a_lazy_driver_reads_late),
		cmocka_unit_test(an_exported_surface_is_the_same_memory),
	};
	tr_world_enter("intel");
	return cmocka_run_group_tests_name("gpu_driver", tests, NULL, NULL);
}
