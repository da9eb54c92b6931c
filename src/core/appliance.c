#include "core/appliance.h"

#include "core/text.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

bool tr_appliance_is_here(const char *root)
{
	char path[PATH_MAX];

	return tr_text_format(path, sizeof(path), "%s/usr/lib/telerec-image", root) == 0 &&
	       access(path, F_OK) == 0;
}

const char *tr_appliance_cure(const char *root, const char *command)
{
	size_t length = strlen(command);

	if (strncmp(command, "apt", 3) != 0 || !tr_appliance_is_here(root))
		return command;
	return length > 0 && command[length - 1] == '\n' ? "telerec update --from-stick\n"
							 : "telerec update --from-stick";
}
