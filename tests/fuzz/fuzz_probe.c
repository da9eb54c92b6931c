/* Any bytes as what the encoder's process says of this machine: what is accepted can be chosen
 * from, and every rung of it is written and read as the same again. */
#include "encode/probe.h"
#include "encode/probe_internal.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rung(const json_t *json)
{
	struct tr_probe_candidate first, second;
	char why[120];

	if (tr_probe_read_rung(json, &first, why, sizeof(why)) < 0)
		abort();
	json_t *again = tr_probe_write_rung(&first, 2);
	if (!again || tr_probe_read_rung(again, &second, why, sizeof(why)) < 0 ||
		memcmp(&first.rung, &second.rung, sizeof(first.rung)) != 0)
		abort();
	json_decref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct tr_rung_list list;
	char text[300];
	size_t i;
	json_t *rung;

	if (json && tr_probe_check(json, text, sizeof(text)) == 0) {
		json_array_foreach(json_object_get(json, "rungs"), i, rung) check_rung(rung);
		if (tr_probe_choose(
			    json, "vaapi,00:02.0,auto", 1280, 720, &list, text, sizeof(text)) < 0 ||
			list.rungs[list.count - 1].kind != TR_RUNG_SOFTWARE)
			abort();
	}
	json_decref(json);
	return 0;
}
