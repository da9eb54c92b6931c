/* Which rungs to use, and in which order: the rules of a machine with several GPUs. */
#include "encode/probe.h"
#include "encode/probe_internal.h"

#include "core/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LIST_MAX 64 /* rungs that an answer may have */
#define WORDS_MAX 160
#define PICTURE_US 33333 /* a 30th of a second */

/* ---- the order ---- */

/* Below zero: a first. */
static int compare_flag(bool a, bool b)
{
	return (int)b - (int)a;
}

static bool is_slow(const struct tr_rung *rung)
{
	return rung->us_per_picture > PICTURE_US;
}

/* 0000:00:02.0 before renderD129 without an address. */
static int compare_device(const struct tr_rung *a, const struct tr_rung *b)
{
	int order = compare_flag(a->address[0] != '\0', b->address[0] != '\0');

	if (order == 0)
		order = strcmp(a->address, b->address);
	return order ? order : strcmp(a->device, b->device);
}

/* Of two rungs of whatever devices: the first difference decides. */
static int compare(const struct tr_probe_candidate *a, const struct tr_probe_candidate *b)
{
	const struct tr_rung *x = &a->rung, *y = &b->rung;
	const int orders[] = {
		compare_flag(a->works, b->works),
		compare_flag(x->kind != TR_RUNG_SOFTWARE, y->kind != TR_RUNG_SOFTWARE),
		compare_flag(!is_slow(x), !is_slow(y)),
		compare_flag(a->is_integrated, b->is_integrated),
		compare_flag(x->kind == TR_RUNG_VAAPI, y->kind == TR_RUNG_VAAPI),
		compare_flag(x->rate != TR_RUNG_RATE_CQP, y->rate != TR_RUNG_RATE_CQP),
		compare_flag(x->has_packed_headers, y->has_packed_headers),
		compare_flag(!x->is_low_power, !y->is_low_power),
		y->profile - x->profile, /* 100 High, 77 Main, 66 Constrained Baseline */
		y->rate - x->rate,	 /* VBR, CBR, CQP */
		compare_device(x, y),
	};

	for (size_t i = 0; i < TR_COUNT(orders); i++)
		if (orders[i] != 0)
			return orders[i];
	return 0;
}

static int compare_void(const void *a, const void *b)
{
	return compare(a, b);
}

/* May `b` follow `a` as the next step down of the same device? */
static bool is_same_group(const struct tr_probe_candidate *a, const struct tr_probe_candidate *b)
{
	return a->works == b->works && a->rung.kind != TR_RUNG_SOFTWARE &&
	       b->rung.kind != TR_RUNG_SOFTWARE && compare_device(&a->rung, &b->rung) == 0;
}

/* A device is given up only when all its rungs are: each one's move up behind its best. */
static void group(struct tr_probe_candidate *list, unsigned count)
{
	for (unsigned i = 0; i + 1 < count; i++) {
		unsigned j = i + 1;
		while (j < count && !is_same_group(&list[i], &list[j]))
			j++;
		if (j >= count || j == i + 1)
			continue;
		struct tr_probe_candidate moved = list[j];
		memmove(&list[i + 2], &list[i + 1], (j - i - 1) * sizeof(list[0]));
		list[i + 1] = moved;
	}
}

void tr_probe_rank(struct tr_probe_candidate *candidates, unsigned count)
{
	qsort(candidates, count, sizeof(candidates[0]), compare_void);
	group(candidates, count);
}

unsigned tr_probe_count_sessions(int us_per_picture, int width, int height, int engines)
{
	double us = us_per_picture * ((double)width * height) / (1280.0 * 720.0);

	return us > 0 && engines > 0 ? (unsigned)(0.7 * PICTURE_US * engines / us) : 0;
}

/* ---- what video.encoder asks for ---- */

struct choice {
	struct tr_probe_candidate rungs[LIST_MAX];
	unsigned count;
	const json_t *devices;
	int width, height;
	struct tr_rung_list *list;
	char *problem;
	size_t problem_size;
};

static const char *get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void add_problem(struct choice *choice, const char *text)
{
	size_t used = strlen(choice->problem);

	if (used < choice->problem_size)
		snprintf(choice->problem + used, choice->problem_size - used, "%s%s",
			used > 0 ? " " : "", text);
}

static bool is_listed(const struct tr_rung_list *list, const struct tr_rung *rung)
{
	for (unsigned i = 0; i < list->count; i++)
		if (!memcmp(&list->rungs[i], rung, sizeof(*rung)))
			return true;
	return false;
}

static bool fits(const struct choice *choice, const struct tr_rung *rung)
{
	return (rung->max_width == 0 || choice->width <= rung->max_width) &&
	       (rung->max_height == 0 || choice->height <= rung->max_height);
}

/* The last place is software's. False when the rung is not to be had. */
static bool add_rung(struct choice *choice, const struct tr_probe_candidate *candidate)
{
	struct tr_rung_list *list = choice->list;

	if (!candidate->works || !fits(choice, &candidate->rung))
		return false;
	if (candidate->rung.kind != TR_RUNG_SOFTWARE && list->count + 1 < TR_RUNGS_MAX &&
		!is_listed(list, &candidate->rung))
		list->rungs[list->count++] = candidate->rung;
	return true;
}

/* The other way into an Intel GPU has more parts: only when the first one fails. */
static bool is_spare(const struct choice *choice, const struct tr_probe_candidate *candidate)
{
	if (candidate->rung.kind != TR_RUNG_QSV)
		return false;
	for (unsigned i = 0; i < choice->list->count; i++)
		if (choice->list->rungs[i].kind == TR_RUNG_VAAPI &&
			!strcmp(choice->list->rungs[i].address, candidate->rung.address))
			return true;
	return false;
}

static void choose_all(struct choice *choice)
{
	for (unsigned i = 0; i < choice->count; i++)
		if (!is_spare(choice, &choice->rungs[i]) && !add_rung(choice, &choice->rungs[i]))
			continue;
}

/* "0000:00:02.0", or as lspci says it, "00:02.0" */
static bool is_address(const char *word, const char *address)
{
	return address[0] && (!strcmp(word, address) ||
				     (!strncmp(address, "0000:", 5) && !strcmp(word, address + 5)));
}

static bool is_meant(const char *word, const struct tr_rung *rung)
{
	if (!strcmp(word, "vaapi"))
		return rung->kind == TR_RUNG_VAAPI;
	if (!strcmp(word, "qsv"))
		return rung->kind == TR_RUNG_QSV;
	return rung->kind != TR_RUNG_SOFTWARE &&
	       (!strcmp(word, rung->device) || is_address(word, rung->address));
}

/* Why there is no rung by this name: what the device or the rung says of itself. */
static void explain_missing(struct choice *choice, const char *word)
{
	char text[TR_PROBE_SENTENCE_MAX + 200];
	const char *why = "";
	const json_t *device;
	size_t i;

	for (unsigned r = 0; !why[0] && r < choice->count; r++)
		if (is_meant(word, &choice->rungs[r].rung))
			why = choice->rungs[r].works ? "it cannot encode pictures of this size."
						     : choice->rungs[r].problem;
	json_array_foreach((json_t *)choice->devices, i, device)
	{
		const char *node = get_text(device, "node");
		if (!why[0] && (!strcmp(word, node) || !strcmp(word, "vaapi") ||
				       is_address(word, get_text(device, "address"))))
			why = get_text(device, "problem");
	}
	if (!why[0])
		why = json_array_size(choice->devices) == 0 ? "this machine has no GPU."
		      : !strcmp(word, "qsv") ? "no GPU here has a runtime for it that works."
					     : "there is no such device.";
	snprintf(text, sizeof(text), "video.encoder asks for %s, which cannot be used: %s", word,
		why);
	add_problem(choice, text);
}

static void choose_named(struct choice *choice, const char *word)
{
	bool is_found = false, is_kind = !strcmp(word, "vaapi") || !strcmp(word, "qsv");

	for (unsigned i = 0; i < choice->count; i++) {
		const struct tr_probe_candidate *candidate = &choice->rungs[i];
		if (!is_meant(word, &candidate->rung) || (!is_kind && is_spare(choice, candidate)))
			continue;
		is_found = add_rung(choice, candidate) || is_found;
	}
	if (!is_found)
		explain_missing(choice, word);
}

/* Every x of the form stands for a hexadecimal digit. */
static bool has_form(const char *text, const char *form)
{
	for (; *form && *text; form++, text++)
		if (*form == 'x' ? !isxdigit((unsigned char)*text) : *text != *form)
			return false;
	return *form == *text;
}

static bool is_node(const char *word)
{
	static const char start[] = "/dev/dri/renderD";
	int64_t number;

	return !strncmp(word, start, strlen(start)) &&
	       tr_text_parse_int(word + strlen(start), 100, 999, &number) == 0;
}

static bool is_known(const char *word)
{
	static const char *const words[] = {"auto", "software", "vaapi", "qsv"};

	for (size_t i = 0; i < TR_COUNT(words); i++)
		if (!strcmp(word, words[i]))
			return true;
	return is_node(word) || has_form(word, "xxxx:xx:xx.x") || has_form(word, "xx:xx.x");
}

/* NULL after the last. */
static char *take_word(char **rest)
{
	char *word = strsep(rest, ",");

	if (!word)
		return NULL;
	word += strspn(word, " ");
	for (size_t end = strlen(word); end > 0 && word[end - 1] == ' '; end--)
		word[end - 1] = '\0';
	return word;
}

/* "software" ends the list: nothing after it is ever reached. */
static bool choose_word(struct choice *choice, const char *word, bool *is_over)
{
	if (!is_known(word))
		return false;
	if (*is_over)
		return true;
	if (!strcmp(word, "software"))
		*is_over = true;
	else if (!strcmp(word, "auto"))
		choose_all(choice);
	else
		choose_named(choice, word);
	return true;
}

static void read_rungs(const json_t *probed, struct choice *choice)
{
	const json_t *item;
	char why[80];
	size_t i;

	json_array_foreach(json_object_get(probed, "rungs"), i,
		item) if (choice->count < LIST_MAX &&
			  tr_probe_read_rung(item, &choice->rungs[choice->count], why,
				  sizeof(why)) == 0) choice->count++;
}

/* What the probe knows of it (its speed) goes with it. */
static void end_with_software(struct choice *choice)
{
	struct tr_rung rung = {.kind = TR_RUNG_SOFTWARE, .profile = 66};

	tr_probe_name_rung(&rung);
	for (unsigned i = 0; i < choice->count; i++)
		if (choice->rungs[i].rung.kind == TR_RUNG_SOFTWARE)
			rung = choice->rungs[i].rung;
	choice->list->rungs[choice->list->count++] = rung;
}

int tr_probe_choose(const json_t *probed, const char *encoder, int width, int height,
	struct tr_rung_list *ret_list, char *problem, size_t problem_size)
{
	TR_CLEANUP(tr_freep) struct choice *choice = calloc(1, sizeof(*choice));
	char words[WORDS_MAX], *rest = words, *word;
	struct tr_rung_list list = {0};
	bool is_over = false;

	if (!choice)
		return -ENOMEM;
	if (problem_size == 0 || tr_text_format(words, sizeof(words), "%s", encoder) < 0)
		return -EINVAL;
	problem[0] = '\0';
	*choice = (struct choice){.width = width,
		.height = height,
		.list = &list,
		.devices = json_object_get(probed, "devices"),
		.problem = problem,
		.problem_size = problem_size};
	read_rungs(probed, choice);
	while ((word = take_word(&rest)) != NULL)
		if (!choose_word(choice, word, &is_over))
			return -EINVAL;
	end_with_software(choice);
	*ret_list = list;
	return 0;
}

unsigned tr_probe_count_gpu_sessions(
	const struct tr_rung_list *list, int width, int height, int rate)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < list->count; i++) {
		const struct tr_rung *rung = &list->rungs[i];
		bool is_first = rung->kind != TR_RUNG_SOFTWARE && rung->us_per_picture > 0;
		for (unsigned j = 0; j < i; j++)
			is_first = is_first && strcmp(list->rungs[j].device, rung->device) != 0;
		if (is_first)
			sum += tr_probe_count_sessions(
				rung->us_per_picture * rate / 30, width, height, 1);
	}
	return sum;
}
