/* Any bytes as a configuration file. */
#include "config/config.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tr_config config;
	static struct tr_config_complaints complaints;
	char *text = strndup((const char *)data, size);

	/* An include is another file, not these bytes. */
	if (text && !strstr(text, "@include") &&
		tr_config_parse(text, "fuzz", &config, &complaints) < 0 && complaints.count == 0)
		abort();
	free(text);
	return 0;
}
