#include "capture/content.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 16
#define CODE_BLOCKS 32
#define PHASES 32 /* pictures of a loop; it plays forth and back */
#define SLIDES 4
#define SLIDE_LENGTH 150
#define TEXTURE 512 /* a power of two */
#define TILES_MAX 4
#define POINTER_WIDTH 20
#define POINTER_HEIGHT 28

struct tile {
	struct tr_rect box;
	unsigned loop;
	unsigned shift; /* pictures by which it is ahead */
};

struct bench_content {
	enum bench_content_kind kind;
	int width, height;
	uint32_t *slides[SLIDES]; /* all but full */
	unsigned tile_count, loop_count;
	struct tile tiles[TILES_MAX];
	uint32_t *textures[TILES_MAX + 1]; /* one a loop, and the heads' */
	uint32_t *phases[TILES_MAX][PHASES];
};

const char *const bench_content_names[BENCH_CONTENT_COUNT + 1] = {
	"slides", "speaker", "gallery", "full", NULL};

static uint32_t hash(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t h = a * 0x9e3779b1u ^ b * 0x85ebca77u ^ c * 0xc2b2ae3du;
	h = (h ^ (h >> 15)) * 0x2c1b3c6du;
	h = (h ^ (h >> 12)) * 0x297a2d39u;
	return h ^ (h >> 15);
}

/* ---- natural-looking texture: coarse to fine, each octave half as strong ---- */

static float lattice(uint32_t seed, int cells, float x, float y)
{
	int x0 = (int)x, y0 = (int)y;
	float fx = x - (float)x0, fy = y - (float)y0;
	float v[2][2];

	fx = fx * fx * (3 - 2 * fx);
	fy = fy * fy * (3 - 2 * fy);
	for (int j = 0; j < 2; j++)
		for (int i = 0; i < 2; i++)
			v[j][i] = (float)(hash(seed, (uint32_t)((x0 + i) % cells),
						  (uint32_t)((y0 + j) % cells)) &
					  0xffff);
	float top = v[0][0] + (v[0][1] - v[0][0]) * fx;
	float bottom = v[1][0] + (v[1][1] - v[1][0]) * fx;
	return (top + (bottom - top) * fy) / 65535 - 0.5f;
}

static uint32_t clamp8(float value)
{
	return value < 0 ? 0 : value > 255 ? 255 : (uint32_t)value;
}

static uint32_t texel(uint32_t seed, int x, int y)
{
	float light = 0, warm = 0, strength = 1;
	for (int cells = 4; cells <= TEXTURE / 2; cells *= 2, strength *= 0.55f) {
		float scale = (float)cells / TEXTURE;
		float v =
			lattice(seed + (uint32_t)cells, cells, (float)x * scale, (float)y * scale);
		light += v * strength;
		if (cells < 32)
			warm += lattice(seed + 77, cells, (float)x * scale, (float)y * scale) *
				strength;
	}
	/* A few hard edges: furniture. */
	if (hash(seed, (uint32_t)x / 64, (uint32_t)y / 96) % 5 == 0)
		light *= 0.5f;
	light = 120 + light * 140;
	return clamp8(light - warm * 40) | clamp8(light) << 8 | clamp8(light + warm * 60) << 16;
}

static uint32_t *make_texture(uint32_t seed)
{
	uint32_t *texture = malloc(TEXTURE * TEXTURE * sizeof(*texture));
	for (int y = 0; texture && y < TEXTURE; y++)
		for (int x = 0; x < TEXTURE; x++)
			texture[y * TEXTURE + x] = texel(seed, x, y);
	return texture;
}

/* `share` sixteenths of b, the rest of a. */
static uint32_t blend16(uint32_t a, uint32_t b, unsigned share)
{
	uint32_t rb = (((a & 0xff00ff) * (16 - share) + (b & 0xff00ff) * share) >> 4) & 0xff00ff;
	uint32_t g = (((a & 0xff00) * (16 - share) + (b & 0xff00) * share) >> 4) & 0xff00;
	return rb | g;
}

static uint32_t sample(const uint32_t *texture, int x16, int y16)
{
	unsigned x = (unsigned)x16 >> 4, y = (unsigned)y16 >> 4, fx = x16 & 15, fy = y16 & 15;
	const uint32_t *r0 = texture + (y & (TEXTURE - 1)) * TEXTURE;
	const uint32_t *r1 = texture + ((y + 1) & (TEXTURE - 1)) * TEXTURE;
	unsigned c0 = x & (TEXTURE - 1), c1 = (x + 1) & (TEXTURE - 1);
	return blend16(blend16(r0[c0], r0[c1], fx), blend16(r1[c0], r1[c1], fx), fy);
}

/* A room seen by a camera that moves a little, and a head that moves more. */
struct scene {
	const uint32_t *room, *skin;
	int pan_x16, pan_y16;
	float head_x, head_y, head_r;
	int face_x16, face_y16;
	unsigned mouth;
};

static struct scene scene_at(
	const struct bench_content *content, unsigned loop, unsigned phase, int width, int height)
{
	bool is_full = content->kind == BENCH_CONTENT_FULL;
	double angle = M_PI * phase / (PHASES - 1), wide = is_full ? 48 : 8;
	struct scene scene = {
		content->textures[loop], content->textures[TILES_MAX], 0, 0, 0, 0, 0, 0, 0, 0};

	scene.pan_x16 = (int)lrint(16 * (1000 + wide * cos(angle)));
	scene.pan_y16 = (int)lrint(16 * (1000 + wide / 3 * cos(2 * angle)));
	scene.head_r = (float)height * 0.3f;
	scene.head_x = (float)(width * (0.5 + 0.05 * cos(angle)));
	scene.head_y = (float)(height * (0.55 + 0.015 * cos(3 * angle)));
	scene.face_x16 = (int)lrintf(scene.head_x * 16);
	scene.face_y16 = (int)lrintf(scene.head_y * 16);
	scene.mouth = (unsigned)lrint(height * (0.02 + 0.02 * cos(6 * angle)));
	return scene;
}

static uint32_t head_pixel(const struct scene *scene, int x, int y)
{
	uint32_t skin = sample(scene->skin, x * 14 - scene->face_x16 + (1 << 18),
		y * 14 - scene->face_y16 + (1 << 18));
	float dx = (float)x - scene->head_x, dy = (float)y - scene->head_y - scene->head_r * 0.5f;
	bool is_mouth = fabsf(dx) < scene->head_r * 0.3f && fabsf(dy) < (float)scene->mouth;
	return is_mouth ? 0x302040 : blend16(skin, 0xc89878, 10);
}

static void draw_scene(const struct scene *scene, uint32_t *out, int width, int height)
{
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++) {
			float dx = ((float)x - scene->head_x) * 1.25f,
			      dy = (float)y - scene->head_y;
			float edge = scene->head_r - sqrtf(dx * dx + dy * dy); /* soft: 4 pixels */
			uint32_t pixel = 0;
			if (edge < 4)
				pixel = sample(scene->room, x * 12 + scene->pan_x16,
					y * 12 + scene->pan_y16);
			if (edge >= 4)
				pixel = head_pixel(scene, x, y);
			else if (edge > 0)
				pixel = blend16(
					pixel, head_pixel(scene, x, y), (unsigned)(edge * 4));
			*out++ = pixel;
		}
}

/* ---- slides ---- */

static void fill(
	const struct bench_content *content, uint32_t *out, struct tr_rect r, uint32_t color)
{
	r = tr_rect_common(r, (struct tr_rect){0, 0, content->width, content->height});
	for (int y = r.y1; y < r.y2; y++)
		for (int x = r.x1; x < r.x2; x++)
			out[y * content->width + x] = color;
}

/* 5x7 dots of 2x2 pixels that look like a letter: left-right symmetry or a stem. */
static void draw_letter(const struct bench_content *content, uint32_t *out, int x, int y,
	unsigned letter, uint32_t color)
{
	for (int row = 0; row < 7; row++) {
		unsigned bits = hash(letter, (unsigned)row / 2, 5) & 7;
		unsigned dots =
			letter & 1 ? (bits | (bits & 1) << 4 | (bits & 2) << 2) : (1 | bits << 1);
		for (int column = 0; column < 5; column++)
			if (dots >> column & 1)
				fill(content, out,
					(struct tr_rect){x + column * 2, y + row * 2,
						x + column * 2 + 2, y + row * 2 + 2},
					color);
	}
}

static void draw_text(const struct bench_content *content, uint32_t *out, unsigned slide)
{
	for (int line = 0; 130 + line * 26 < content->height - 60; line++)
		for (int column = 0; 60 + column * 13 < content->width * 6 / 10; column++) {
			uint32_t h = hash(slide, (unsigned)line, (unsigned)column);
			if (h % 6 != 0 && line % 7 != 6)
				draw_letter(content, out, 60 + column * 13, 130 + line * 26, h % 26,
					0x202428);
		}
}

static uint32_t *make_slide(const struct bench_content *content, unsigned slide)
{
	int width = content->width, height = content->height;
	uint32_t *out = malloc((size_t)width * (size_t)height * sizeof(*out));
	if (!out)
		return NULL;
	fill(content, out, (struct tr_rect){0, 0, width, height},
		content->kind == BENCH_CONTENT_GALLERY ? 0x202124 : 0xfcfcfa);
	if (content->kind == BENCH_CONTENT_GALLERY)
		return out;
	fill(content, out, (struct tr_rect){0, 0, width, 90}, hash(slide, 1, 2) & 0x7f7f7f);
	for (int i = 0; i < 30; i++)
		draw_letter(
			content, out, 60 + i * 14, 38, hash(slide, 3, (unsigned)i) % 26, 0xffffff);
	draw_text(content, out, slide);
	for (int bar = 0; bar < 8; bar++) {
		int x = width * 65 / 100 + bar * width / 32,
		    tall = (int)(hash(slide, 9, (unsigned)bar) % 200);
		fill(content, out,
			(struct tr_rect){
				x, height / 2 - 40 - tall, x + width / 40, height / 2 - 40},
			hash(slide, 8, (unsigned)bar) & 0xffffff);
	}
	return out;
}

/* ---- pictures ---- */

static int round16(int value)
{
	return (value + 8) / 16 * 16;
}

static void place_tiles(struct bench_content *content)
{
	int width = content->width, height = content->height, gap = 16;

	if (content->kind == BENCH_CONTENT_SPEAKER) {
		int w = round16(width * 175 / 1000), h = round16(height * 178 / 1000);
		content->tile_count = content->loop_count = 3;
		for (int i = 0; i < 3; i++) {
			int x = width - w - gap, y = 32 + i * (h + gap);
			content->tiles[i] =
				(struct tile){{x, y, x + w, y + h}, (unsigned)i, (unsigned)i * 9};
		}
	} else if (content->kind == BENCH_CONTENT_GALLERY) {
		int w = round16(width * 35 / 100), h = round16(height * 356 / 1000);
		content->tile_count = 4;
		content->loop_count = 2;
		for (int i = 0; i < 4; i++) {
			int x = width / 2 - w - gap / 2 + i % 2 * (w + gap);
			int y = height / 2 - h - gap / 2 + i / 2 * (h + gap);
			content->tiles[i] = (struct tile){
				{x, y, x + w, y + h}, (unsigned)i % 2, (unsigned)i * 13};
		}
	} else if (content->kind == BENCH_CONTENT_FULL) {
		content->tile_count = content->loop_count = 1;
		content->tiles[0] = (struct tile){{0, 0, width, height}, 0, 0};
	}
}

int bench_content_create(
	enum bench_content_kind kind, int width, int height, struct bench_content **ret)
{
	if (width < 640 || height < 360 || width > 8192 || height > 8192 || (width | height) & 1)
		return -EINVAL;
	TR_CLEANUP(bench_content_destroyp)
	struct bench_content *content = calloc(1, sizeof(*content));
	if (!content)
		return -ENOMEM;
	content->kind = kind;
	content->width = width;
	content->height = height;
	place_tiles(content);
	unsigned slides = kind == BENCH_CONTENT_SLIDES ? SLIDES
			  : kind == BENCH_CONTENT_FULL ? 0
						       : 1;
	for (unsigned i = 0; i < slides; i++)
		if (!(content->slides[i] = make_slide(content, i)))
			return -ENOMEM;
	for (unsigned i = 0; i < content->loop_count; i++)
		if (!(content->textures[i] = make_texture(1000 + i)))
			return -ENOMEM;
	if (content->loop_count && !(content->textures[TILES_MAX] = make_texture(2000)))
		return -ENOMEM;
	*ret = tr_take(content);
	return 0;
}

void bench_content_destroy(struct bench_content *content)
{
	if (!content)
		return;
	for (unsigned i = 0; i < SLIDES; i++)
		free(content->slides[i]);
	for (unsigned i = 0; i <= TILES_MAX; i++)
		free(content->textures[i]);
	for (unsigned i = 0; i < TILES_MAX; i++)
		for (unsigned j = 0; j < PHASES; j++)
			free(content->phases[i][j]);
	free(content);
}

static const uint32_t *phase_of(
	struct bench_content *content, const struct tile *tile, unsigned number)
{
	unsigned step = (number + tile->shift) % (2 * PHASES - 2);
	unsigned phase = step < PHASES ? step : 2 * PHASES - 2 - step;
	uint32_t **slot = &content->phases[tile->loop][phase];

	if (!*slot) {
		int width = tile->box.x2 - tile->box.x1, height = tile->box.y2 - tile->box.y1;
		*slot = malloc((size_t)width * (size_t)height * sizeof(**slot));
		if (!*slot)
			return NULL;
		struct scene scene = scene_at(content, tile->loop, phase, width, height);
		draw_scene(&scene, *slot, width, height);
	}
	return *slot;
}

int bench_content_prepare(struct bench_content *content)
{
	for (unsigned i = 0; i < content->tile_count; i++)
		for (unsigned number = 0; number < 2 * PHASES; number++)
			if (!phase_of(content, &content->tiles[i], number))
				return -ENOMEM;
	return 0;
}

bool bench_content_is_drawn(const struct bench_content *content, unsigned number)
{
	return content->kind != BENCH_CONTENT_SLIDES || number % 90 < 30 ||
	       number % SLIDE_LENGTH == 0 || number == 1;
}

static struct tr_rect code_box(int width, int height)
{
	int x = (width - CODE_BLOCKS * BLOCK - BLOCK) / 16 * 16, y = (height - 2 * BLOCK) / 16 * 16;
	return (struct tr_rect){x, y, x + CODE_BLOCKS * BLOCK, y + BLOCK};
}

static struct tr_rect pointer_box(const struct bench_content *content, unsigned number)
{
	unsigned moves = number / 90 * 30 + (number % 90 < 30 ? number % 90 : 29);
	struct tr_rect code = code_box(content->width, content->height);
	int x = (code.x1 + code.x2) / 2 + (int)lrint(180 * cos(moves * 2 * M_PI / 45));
	int y = code.y1 - 110 + (int)lrint(60 * sin(moves * 2 * M_PI / 45));
	return (struct tr_rect){x, y, x + POINTER_WIDTH, y + POINTER_HEIGHT};
}

struct tr_rect bench_content_changed(const struct bench_content *content, unsigned number)
{
	struct tr_rect box = code_box(content->width, content->height);

	if (number <= 1 || (content->kind == BENCH_CONTENT_SLIDES && number % SLIDE_LENGTH == 0))
		return (struct tr_rect){0, 0, content->width, content->height};
	if (content->kind == BENCH_CONTENT_SLIDES) {
		box = tr_rect_around(box, pointer_box(content, number));
		return tr_rect_around(box, pointer_box(content, number - 1));
	}
	for (unsigned i = 0; i < content->tile_count; i++)
		box = tr_rect_around(box, content->tiles[i].box);
	return box;
}

/* Copies what of `source`, lying at `box`, is inside of `rect`. */
static void copy(uint32_t *pixels, size_t stride, struct tr_rect rect, struct tr_rect box,
	const uint32_t *source)
{
	struct tr_rect part = tr_rect_common(rect, box);
	for (int y = part.y1; y < part.y2 && part.x2 > part.x1; y++)
		memcpy(pixels + (size_t)y * stride + part.x1,
			source + (size_t)(y - box.y1) * (size_t)(box.x2 - box.x1) +
				(part.x1 - box.x1),
			(size_t)(part.x2 - part.x1) * sizeof(*pixels));
}

static void draw_pointer(struct tr_rect box, struct tr_rect rect, uint32_t *pixels, size_t stride)
{
	struct tr_rect part = tr_rect_common(rect, box);
	for (int y = part.y1; y < part.y2; y++)
		for (int x = part.x1; x < part.x2; x++) {
			int px = x - box.x1, py = y - box.y1;
			if (px * 10 <= py * 7)
				pixels[(size_t)y * stride + (size_t)x] =
					px < 2 || px * 10 > py * 7 - 20 || py > POINTER_HEIGHT - 3
						? 0xffffff
						: 0;
		}
}

static uint32_t code_of(unsigned number)
{
	number &= 0xffffff;
	return number << 8 | (hash(number, 4, 2) & 0xff);
}

static void draw_code(const struct bench_content *content, unsigned number, struct tr_rect rect,
	uint32_t *pixels, size_t stride)
{
	struct tr_rect box = code_box(content->width, content->height);
	struct tr_rect part = tr_rect_common(rect, box);
	uint32_t code = code_of(number);
	for (int y = part.y1; y < part.y2; y++)
		for (int x = part.x1; x < part.x2; x++)
			pixels[(size_t)y * stride + (size_t)x] =
				code >> (31 - (x - box.x1) / BLOCK) & 1 ? 0xffffff : 0;
}

int bench_content_draw(struct bench_content *content, unsigned number, struct tr_rect rect,
	uint32_t *pixels, size_t stride_pixels)
{
	struct tr_rect whole = {0, 0, content->width, content->height};
	unsigned slide = content->kind == BENCH_CONTENT_SLIDES ? number / SLIDE_LENGTH % SLIDES : 0;

	rect = tr_rect_common(rect, whole);
	if (content->slides[slide])
		copy(pixels, stride_pixels, rect, whole, content->slides[slide]);
	for (unsigned i = 0; i < content->tile_count; i++) {
		const uint32_t *source = phase_of(content, &content->tiles[i], number);
		if (!source)
			return -ENOMEM;
		copy(pixels, stride_pixels, rect, content->tiles[i].box, source);
	}
	if (content->kind == BENCH_CONTENT_SLIDES)
		draw_pointer(pointer_box(content, number), rect, pixels, stride_pixels);
	draw_code(content, number, rect, pixels, stride_pixels);
	return 0;
}

int bench_content_read_code(const uint8_t *luma, ptrdiff_t stride, int width, int height)
{
	struct tr_rect box = code_box(width, height);
	uint32_t code = 0;

	if (width < 640 || height < 360)
		return -1;
	for (int block = 0; block < CODE_BLOCKS; block++) {
		unsigned sum = 0;
		for (int y = 4; y < 12; y++)
			for (int x = 4; x < 12; x++)
				sum += luma[(box.y1 + y) * stride + box.x1 + block * BLOCK + x];
		code = code << 1 | (sum / 64 > 125);
	}
	return code && code == code_of(code >> 8) ? (int)(code >> 8) : -1;
}
