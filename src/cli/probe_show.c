#include "cli/probe_show.h"

#include <stdbool.h>
#include <string.h>

static const char *get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void show_trouble(const json_t *object, const char *indent, FILE *out)
{
	fprintf(out, "%s%s\n", indent, get_text(object, "problem"));
	if (get_text(object, "cure")[0])
		fprintf(out, "%sTo do: %s\n", indent, get_text(object, "cure"));
}

/* "yes" says that its driver offers encoders; whether they work is said of each encoder. */
static void show_devices(const json_t *devices, FILE *out)
{
	const json_t *device;
	size_t i;

	json_array_foreach((json_t *)devices, i, device)
	{
		bool is_good = !get_text(device, "problem")[0];
		fprintf(out, "%-10s %s %s (%s%s%s, %s)%s%s\n", "GPU", is_good ? "yes" : "NO ",
			get_text(device, "node"), get_text(device, "address"),
			get_text(device, "vendor")[0] ? ", " : "", get_text(device, "vendor"),
			get_text(device, "kernel_driver"), is_good ? ": " : "",
			is_good ? get_text(device, "driver_text") : "");
		if (!is_good)
			show_trouble(device, "               ", out);
	}
	if (json_array_size(devices) == 0)
		fprintf(out, "%-10s none\n", "GPU");
}

static void show_rung(const json_t *rung, unsigned number, FILE *out)
{
	const json_t *sessions = json_object_get(rung, "sessions");

	fprintf(out, "  %2u. %-32s", number, get_text(rung, "name"));
	if (!json_is_true(json_object_get(rung, "was_tested")))
		fprintf(out, " %s\n",
			get_text(rung, "problem")[0] ? get_text(rung, "problem")
						     : "not tested yet");
	else
		fprintf(out,
			" %.2f ms for a 1280x720 picture: enough to encode %d recordings of that "
			"size, or %d of 1920x1080\n",
			json_real_value(json_object_get(rung, "ms_per_picture")),
			(int)json_integer_value(json_object_get(sessions, "1280x720")),
			(int)json_integer_value(json_object_get(sessions, "1920x1080")));
}

/* Of the best encoder of each GPU. Nothing to say where there is none, or nothing was tried. */
static void show_zero_copy(const json_t *rungs, FILE *out)
{
	const json_t *rung;
	const char *last = "";
	size_t i;

	json_array_foreach((json_t *)rungs, i, rung)
	{
		const char *device = get_text(rung, "device"), *why = get_text(rung, "zero_copy");
		if (!device[0] || !strcmp(device, last) ||
			!json_is_true(json_object_get(rung, "works")) ||
			!json_is_true(json_object_get(rung, "was_tested")))
			continue;
		last = device;
		if (json_is_true(json_object_get(rung, "can_convert")))
			fprintf(out, "zero-copy  yes %s: the screen's own memory can be encoded\n",
				device);
		else
			fprintf(out, "zero-copy  NO  %s: %s\n", device,
				why[0] ? why : "it was not proved");
	}
}

/* Has one before it said the same? */
static bool is_said(const json_t *rungs, size_t before, const char *problem)
{
	for (size_t i = 0; i < before; i++)
		if (!strcmp(get_text(json_array_get(rungs, i), "problem"), problem))
			return true;
	return false;
}

static void show_rungs(const json_t *encoding, FILE *out)
{
	const json_t *rungs = json_object_get(encoding, "rungs"), *rung;
	unsigned number = 0;
	size_t i;

	fprintf(out, "Encoders, in the order in which recordings use them:\n");
	json_array_foreach((json_t *)rungs, i, rung)
	{
		if (json_is_true(json_object_get(rung, "works")))
			show_rung(rung, ++number, out);
	}
	json_array_foreach((json_t *)rungs, i, rung)
	{
		if (json_is_true(json_object_get(rung, "works")))
			continue;
		fprintf(out, "   -  %-32s does not work here\n", get_text(rung, "name"));
		if (!is_said(rungs, i, get_text(rung, "problem")))
			show_trouble(rung, "      ", out);
	}
	show_zero_copy(rungs, out);
	if (!json_is_true(json_object_get(encoding, "was_tested")))
		fprintf(out, "`telerec probe --self-test` tries each and measures it.\n");
}

void tr_probe_show(const json_t *encoding, FILE *out)
{
	const json_t *sentence;
	size_t i;

	show_devices(json_object_get(encoding, "devices"), out);
	show_rungs(encoding, out);
	json_array_foreach(json_object_get(encoding, "advice"), i, sentence)
		fprintf(out, "Note: %s\n", json_string_value(sentence));
}
