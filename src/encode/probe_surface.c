/*
 * The proof of the zero-copy road: a surface with known RGB, made by the device and shared as a
 * descriptor, goes through the encoder's own code, and what the converter made of it is compared
 * with the definition of BT.709, which is what the processor's conversion gives, within 1 of 255.
 */
#include "encode/gpu_internal.h"
#include "encode/probe_gpu.h"

#include "encode/probe_child.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define BLOCK                                                                                      \
	16 /* pixels of one colour; chroma is looked at where a block's neighbours are far         \
	    */
#define TOLERANCE 1

/* Blue, green, red: saturated ones show a wrong matrix, greys a wrong range. */
static const uint8_t colours[][3] = {
	{0, 0, 255},
	{0, 255, 0},
	{255, 0, 0},
	{255, 255, 255},
	{0, 0, 0},
	{0, 255, 255},
	{255, 0, 255},
	{255, 255, 0},
	{128, 128, 128},
	{32, 96, 224},
	{200, 60, 20},
};

struct nv12 {
	int y, u, v;
};

static const uint8_t *colour_at(int x, int y)
{
	return colours[(x / BLOCK + 3 * (y / BLOCK)) % (int)TR_COUNT(colours)];
}

static struct nv12 convert(const uint8_t *bgr)
{
	double r = bgr[2] / 255.0, g = bgr[1] / 255.0, b = bgr[0] / 255.0;
	double y = 0.2126 * r + 0.7152 * g + 0.0722 * b;

	return (struct nv12){
		.y = (int)lround(16 + 219 * y),
		.u = (int)lround(128 + 224 * (b - y) / 1.8556),
		.v = (int)lround(128 + 224 * (r - y) / 1.5748),
	};
}

static void paint(uint8_t *pixels, int width, int height)
{
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++) {
			memcpy(pixels, colour_at(x, y), 3);
			pixels[3] = 0;
			pixels += 4;
		}
}

/* Where chroma lies between the pixels is the driver's affair: it shows at the blocks' edges only.
 */
static bool is_inside(int x, int y)
{
	return x % BLOCK >= 4 && x % BLOCK < BLOCK - 4 && y % BLOCK >= 4 && y % BLOCK < BLOCK - 4;
}

static int complain(struct tr_probe_test *test, const char *plane, int is, int shall, int x, int y)
{
	const uint8_t *bgr = colour_at(x, y);

	snprintf(test->problem, sizeof(test->problem),
		"its converter (VPP) gives wrong colours: %s is %d instead of %d for RGB %d, %d, %d",
		plane, is, shall, bgr[2], bgr[1], bgr[0]);
	return -EPROTO;
}

static bool is_near(int a, int b)
{
	return abs(a - b) <= TOLERANCE;
}

static int compare(struct tr_probe_test *test, const struct tr_picture *picture)
{
	for (int y = 0; y < picture->height; y++)
		for (int x = 0; x < picture->width; x++) {
			struct nv12 shall = convert(colour_at(x, y));
			int is = picture->y[y * picture->y_stride + x];
			if (!is_near(is, shall.y))
				return complain(test, "Y", is, shall.y, x, y);
			if (x % 2 || y % 2 || !is_inside(x, y))
				continue;
			const uint8_t *uv = picture->uv + y / 2 * picture->uv_stride + x;
			if (!is_near(uv[0], shall.u))
				return complain(test, "U", uv[0], shall.u, x, y);
			if (!is_near(uv[1], shall.v))
				return complain(test, "V", uv[1], shall.v, x, y);
		}
	return 0;
}

/* Attached, converted, compared; and once encoded, as that is what it is for. */
static int prove(const struct tr_video_ops *ops, struct tr_video *video, struct tr_probe_test *test,
	const struct tr_surface *surface)
{
	int width = surface->width, height = surface->height;
	size_t pixels = (size_t)width * (size_t)height, room = pixels * 4 + 65536;
	TR_CLEANUP(tr_freep) uint8_t *made = calloc(pixels, 2);
	TR_CLEANUP(tr_freep) uint8_t *packet = malloc(room);
	struct tr_picture picture = {.width = width,
		.height = height,
		.y_stride = width,
		.uv_stride = width,
		.y = made,
		.uv = made ? made + pixels : NULL};
	struct tr_video_input input = {.picture = &picture, .is_key = true, .surface = 1};
	struct tr_video_output output = {.data = packet, .room = room};

	if (!made || !packet)
		return -ENOMEM;
	tr_probe_child_say("importing a surface");
	int rc = ops->attach(video, 1, surface);
	tr_probe_child_say("converting a surface");
	if (rc == 0)
		rc = ops->convert(video, 1, &picture);
	if (rc == 0)
		rc = compare(test, &picture);
	tr_probe_child_say("encoding a surface");
	if (rc == 0)
		rc = ops->encode(video, &input, &output);
	return rc == 0 && output.size == 0 ? -EIO : rc;
}

static int run(const struct tr_video_ops *ops, struct tr_probe_test *test)
{
	int width = test->settings.width, height = test->settings.height;
	TR_CLEANUP(tr_freep) uint8_t *pixels = malloc((size_t)width * (size_t)height * 4);
	TR_CLEANUP(tr_vaapi_clip_freep) struct tr_vaapi_clip *clip = NULL;
	struct tr_gpu_words words = {.problem = test->problem, .size = sizeof(test->problem)};
	struct tr_video_request request = {.settings = &test->settings,
		.rung = &test->rung,
		.problem = test->problem,
		.problem_size = sizeof(test->problem)};
	struct tr_surface surface;
	struct tr_video *video = NULL;

	if (!pixels)
		return -ENOMEM;
	paint(pixels, width, height);
	tr_probe_child_say("making a surface");
	int rc = tr_vaapi_clip_make(&test->rung, &words, pixels, width, height, &clip, &surface);
	tr_probe_child_say("opening the encoder");
	if (rc == 0)
		rc = ops->open(&request, &video);
	if (rc == 0)
		rc = prove(ops, video, test, &surface);
	if (video)
		ops->close(video);
	return rc;
}

int tr_probe_surface_run(const struct tr_video_ops *ops, struct tr_probe_test *test)
{
	if (!ops->attach || !ops->convert) {
		snprintf(test->problem, sizeof(test->problem),
			"this way to encode reads no surfaces");
		return -ENOTSUP;
	}
	int rc = run(ops, test);
	if (rc == 0)
		test->problem[0] = '\0'; /* what it managed all the same */
	else if (!test->problem[0])
		snprintf(test->problem, sizeof(test->problem), "%s", strerror(-rc));
	return rc;
}
