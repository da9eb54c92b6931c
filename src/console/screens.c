#include "console/screens.h"

#include <string.h>

static const struct tr_screen *const all[] = {
	&tr_screen_home,
	&tr_screen_wall,
	&tr_screen_slot,
	&tr_screen_setup,
	&tr_screen_first_run,
	&tr_screen_disk,
	&tr_screen_kernel,
	&tr_screen_doctor,
	&tr_screen_recordings,
	&tr_screen_recording,
	&tr_screen_logs,
	&tr_screen_system,
};

const struct tr_screen *tr_screens_find(const char *name)
{
	for (size_t i = 0; i < TR_COUNT(all); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}
