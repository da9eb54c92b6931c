/* The model's thread that fetches what the slots show, and makes pixels of it. */
#include "console/model_internal.h"

#include "core/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

#define WIDTH 192 /* more than any terminal has columns for a picture, but few */
#define EVERY_NS (500 * TR_NS_PER_MS)
#define AFTER_FAILURE_NS (2 * TR_NS_PER_S)
#define ANSWER_MS 6000
#define OLD_MS 8000 /* an older picture is no news any more */
#define BYTES_MOST (16 << 20)
#define SIDE_MOST 4096

struct buffer {
	uint8_t *data;
	size_t size;
};

/* ---- JPEG ---- */

struct trouble {
	struct jpeg_error_mgr manager; /* first: libjpeg gives us this one */
	jmp_buf out;
};

static void on_trouble(j_common_ptr jpeg)
{
	struct trouble *trouble = (struct trouble *)jpeg->err;
	longjmp(trouble->out, 1);
}

static void on_words(j_common_ptr jpeg)
{
	(void)jpeg; /* it would print them */
}

static bool read_rows(struct jpeg_decompress_struct *jpeg, uint8_t *rgb)
{
	while (jpeg->output_scanline < jpeg->output_height) {
		JSAMPROW row = rgb + (size_t)jpeg->output_scanline * jpeg->output_width * 3;
		if (jpeg_read_scanlines(jpeg, &row, 1) != 1)
			return false;
	}
	return true;
}

static int decode_jpeg(const void *data, size_t size, struct tr_model_picture *ret_picture)
{
	struct jpeg_decompress_struct jpeg;
	struct trouble trouble;
	uint8_t *volatile rgb = NULL;

	jpeg.err = jpeg_std_error(&trouble.manager);
	trouble.manager.error_exit = on_trouble;
	trouble.manager.output_message = on_words;
	if (setjmp(trouble.out)) {
		jpeg_destroy_decompress(&jpeg);
		free(rgb);
		return -EPROTO;
	}
	jpeg_create_decompress(&jpeg);
	jpeg_mem_src(&jpeg, data, size);
	jpeg_read_header(&jpeg, TRUE);
	jpeg.out_color_space = JCS_RGB;
	jpeg_start_decompress(&jpeg);
	size_t pixels = (size_t)jpeg.output_width * jpeg.output_height;
	bool is_good = jpeg.output_width <= SIDE_MOST && jpeg.output_height <= SIDE_MOST;
	if (is_good)
		rgb = malloc(pixels * 3);
	is_good = rgb && read_rows(&jpeg, rgb);
	if (is_good) {
		ret_picture->width = (int)jpeg.output_width;
		ret_picture->height = (int)jpeg.output_height;
		ret_picture->rgb = rgb;
		jpeg_finish_decompress(&jpeg);
	} else {
		free(rgb);
	}
	jpeg_destroy_decompress(&jpeg);
	return is_good ? 0 : -EPROTO;
}

/* ---- PNG: what a browser showed when it failed ---- */

static int decode_png(const void *data, size_t size, struct tr_model_picture *ret_picture)
{
	png_image image = {.version = PNG_IMAGE_VERSION};
	uint8_t *rgb = NULL;

	if (!png_image_begin_read_from_memory(&image, data, size))
		return -EPROTO;
	image.format = PNG_FORMAT_RGB;
	if (image.width <= SIDE_MOST && image.height <= SIDE_MOST)
		rgb = malloc(PNG_IMAGE_SIZE(image));
	if (!rgb || !png_image_finish_read(&image, NULL, rgb, 0, NULL)) {
		png_image_free(&image);
		free(rgb);
		return -EPROTO;
	}
	ret_picture->width = (int)image.width;
	ret_picture->height = (int)image.height;
	ret_picture->rgb = rgb;
	return 0;
}

static int decode(const void *data, size_t size, struct tr_model_picture *ret_picture)
{
	if (size >= 8 && png_sig_cmp(data, 0, 8) == 0)
		return decode_png(data, size, ret_picture);
	return decode_jpeg(data, size, ret_picture);
}

/* ---- fetching ---- */

static int take_bytes(const void *data, size_t size, int64_t total_size, void *user)
{
	struct buffer *buffer = user;

	(void)total_size;
	if (buffer->size + size > BYTES_MOST)
		return -EFBIG;
	uint8_t *larger = realloc(buffer->data, buffer->size + size);
	if (!larger)
		return -ENOMEM;
	memcpy(larger + buffer->size, data, size);
	buffer->data = larger;
	buffer->size += size;
	return 0;
}

int tr_model_fetch(
	struct tr_node_client *client, const char *path, struct tr_model_picture *ret_picture)
{
	struct buffer buffer = {0};

	int rc = tr_node_client_download(client, path, 0, take_bytes, &buffer);
	if (rc == 0)
		rc = decode(buffer.data, buffer.size, ret_picture);
	free(buffer.data);
	return rc;
}

static int fetch_slot(
	struct tr_node_client *client, unsigned slot, struct tr_model_picture *ret_picture)
{
	char path[64];

	snprintf(path, sizeof(path), "/v1/slots/%u/preview.jpg?width=%d", slot, WIDTH);
	return tr_model_fetch(client, path, ret_picture);
}

/* With the lock. A slot whose picture is due, or 0 and when there will be one. */
static unsigned find_due(struct tr_model *model, int64_t *ret_wait_ns)
{
	int64_t now_ns = tr_clock_now_ns(), wait_ns = TR_NS_PER_S;
	unsigned due = 0;
	int64_t due_ns = INT64_MAX;

	for (unsigned slot = 1; slot <= TR_MODEL_SLOTS_MAX; slot++) {
		int64_t next_ns = model->previews[slot - 1].next_ns;
		if (!(model->wanted_previews & 1u << (slot - 1)))
			continue;
		if (next_ns > now_ns)
			wait_ns = next_ns - now_ns < wait_ns ? next_ns - now_ns : wait_ns;
		else if (next_ns < due_ns) {
			due = slot; /* who waits longest */
			due_ns = next_ns;
		}
	}
	*ret_wait_ns = wait_ns;
	return due;
}

/* With the lock. */
static void take_picture(
	struct tr_model *model, unsigned slot, int rc, const struct tr_model_picture *new)
{
	struct tr_model_preview *preview = &model->previews[slot - 1];
	int64_t now_ns = tr_clock_now_ns(), now_ms = now_ns / TR_NS_PER_MS;

	preview->next_ns = now_ns + (rc < 0 ? AFTER_FAILURE_NS : EVERY_NS);
	if (rc < 0 && preview->picture.rgb && now_ms - preview->picture.taken_ms < OLD_MS)
		return;
	if (rc < 0 && !preview->picture.rgb)
		return;
	uint64_t number = preview->picture.number + 1;
	free(preview->picture.rgb);
	memset(&preview->picture, 0, sizeof(preview->picture));
	if (rc == 0)
		preview->picture = *new;
	preview->picture.number = number;
	preview->picture.taken_ms = rc < 0 ? 0 : now_ms;
	tr_model_tell(model);
}

void *tr_model_fetch_previews(void *user)
{
	struct tr_model *model = user;
	struct tr_node_client_settings settings = model->settings;
	TR_CLEANUP(tr_node_client_destroyp) struct tr_node_client *client = NULL;

	pthread_setname_np(pthread_self(), "previews");
	settings.timeout_ms = ANSWER_MS;
	bool has_client = tr_node_client_create(&settings, &client) == 0;
	pthread_mutex_lock(&model->lock);
	while (!model->is_over) {
		int64_t wait_ns = TR_NS_PER_S;
		unsigned slot = model->is_following && has_client ? find_due(model, &wait_ns) : 0;
		if (slot == 0) {
			if (!tr_model_wait(model, wait_ns))
				break;
			continue;
		}
		struct tr_model_picture new = {0};
		pthread_mutex_unlock(&model->lock);
		int rc = fetch_slot(client, slot, &new);
		pthread_mutex_lock(&model->lock);
		take_picture(model, slot, rc, &new);
	}
	pthread_mutex_unlock(&model->lock);
	tr_model_let_go(model);
	return NULL;
}
