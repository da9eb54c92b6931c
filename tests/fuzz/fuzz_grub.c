/* Any bytes as a grub.cfg, a grubenv and a settings file: whatever entry is found can be chosen. */
#include "system/grub.h"
#include "system/grubenv.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct tr_grub_menu *menu)
{
	for (unsigned i = 0; i < menu->count; i++) {
		const struct tr_grub_entry *entry = &menu->entries[i];
		const struct tr_grub_entry *found = tr_grub_find(menu, entry->path);
		if (entry->parent >= (int)i || found != entry ||
			tr_grub_names(menu, entry->path) != !entry->is_submenu)
			abort();
		if (entry->version[0] && !entry->is_submenu && !entry->is_recovery &&
			!tr_grub_find_version(menu, entry->version))
			abort();
	}
	if (menu->count > 0 && !menu->chosen)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char signature[] = "# GRUB Environment Block\n";
	char value[TR_GRUB_VALUE_MAX] = "", *text = strndup((const char *)data, size);
	char *block = malloc(size + sizeof(signature));
	struct tr_grub_menu menu;

	if (!text || !block)
		abort();
	if (tr_grub_parse(text, &menu) == 0) {
		check(&menu);
		(void)tr_grub_find(&menu, tr_grub_default(&menu, text));
		tr_grub_menu_release(&menu);
	}
	tr_grub_read_setting(text, "default", value, sizeof(value));
	memcpy(block, signature, sizeof(signature) - 1);
	memcpy(block + sizeof(signature) - 1, data, size);
	if (tr_grubenv_get(block, sizeof(signature) - 1 + size, "saved_entry", value,
		    sizeof(value)) == 0 &&
		strlen(value) >= sizeof(value))
		abort();
	free(block);
	free(text);
	return 0;
}
