#include "system/disk_layout.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX (6 + 3 * TR_PART_COUNT)

static const struct tr_disk_layout_place places[TR_PART_COUNT] = {
	[TR_PART_BIOS_BOOT] = {"bios-boot", "ef02", 1 * TR_MIB, 1 * TR_MIB},
	[TR_PART_ESP] = {"esp", "ef00", 2 * TR_MIB, 64 * TR_MIB},
	[TR_PART_BOOT_A] = {"boot-a", "8300", 66 * TR_MIB, 96 * TR_MIB},
	[TR_PART_ROOT_A] = {"root-a", "8300", 162 * TR_MIB, 2048 * TR_MIB},
	[TR_PART_BOOT_B] = {"boot-b", "8300", 2210 * TR_MIB, 96 * TR_MIB},
	[TR_PART_ROOT_B] = {"root-b", "8300", 2306 * TR_MIB, 2048 * TR_MIB},
	[TR_PART_DATA] = {"data", "8300", 4354 * TR_MIB, 0},
};

const struct tr_disk_layout_place *tr_disk_layout_get(enum tr_disk_layout_part part)
{
	return &places[part];
}

int64_t tr_disk_layout_data_bytes(int64_t disk_bytes)
{
	int64_t end = disk_bytes - TR_DISK_LAYOUT_TAIL_BYTES;

	return (end - places[TR_PART_DATA].offset) / TR_MIB * TR_MIB;
}

static int add(char **argv, size_t *count, const char *format, ...) TR_PRINTF(3, 4);

static int add(char **argv, size_t *count, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vasprintf(&argv[*count], format, args);
	va_end(args);
	if (n < 0)
		argv[*count] = NULL;
	else
		(*count)++;
	return n < 0 ? -ENOMEM : 0;
}

static void freep(char ***argv)
{
	tr_disk_layout_free_command(*argv);
}

int tr_disk_layout_command(const char *disk, int64_t disk_bytes, int sector_bytes, char ***ret_argv)
{
	TR_CLEANUP(freep) char **argv = calloc(WORDS_MAX, sizeof(*argv));
	size_t count = 0;

	if (!argv)
		return -ENOMEM;
	int rc = add(argv, &count, "sgdisk");
	if (rc == 0)
		rc = add(argv, &count, "--clear");
	for (int i = 0; rc == 0 && i < TR_PART_COUNT; i++) {
		const struct tr_disk_layout_place *place = &places[i];
		int64_t size = place->size ? place->size : tr_disk_layout_data_bytes(disk_bytes);
		int64_t first = place->offset / sector_bytes;
		rc = add(argv, &count, "--new=%d:%lld:%lld", i + 1, (long long)first,
			(long long)(first + size / sector_bytes - 1));
		if (rc == 0)
			rc = add(argv, &count, "--typecode=%d:%s", i + 1, place->type);
		if (rc == 0)
			rc = add(argv, &count, "--change-name=%d:%s", i + 1, place->name);
	}
	if (rc == 0)
		rc = add(argv, &count, "%s", disk);
	if (rc < 0)
		return rc;
	*ret_argv = tr_take(argv);
	return 0;
}

void tr_disk_layout_free_command(char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}

void tr_disk_layout_grubenv(char out[static TR_DISK_LAYOUT_GRUBENV])
{
	static const char text[] = "# GRUB Environment Block\n"
				   "ORDER=A B\nA_OK=1\nA_TRY=0\nB_OK=0\nB_TRY=0\nPROVEN=A\n";

	memset(out, '#', TR_DISK_LAYOUT_GRUBENV);
	memcpy(out, text, sizeof(text) - 1);
}
