#include "test.h"

#include "machine_tree.h"

#include "core/file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void link_tools(struct tree *tree)
{
	static const char *const names[] = {"update-grub", "grub-reboot", "grub-editenv",
		"grub-probe", "dpkg-query", "apt-cache", "apt-get", "modprobe"};
	char script[PATH_MAX], place[PATH_MAX], path[PATH_MAX];

	snprintf(script, sizeof(script), "%s/tests/system/fake_tool.sh", getenv("TR_SOURCE_DIR"));
	snprintf(place, sizeof(place), "%s/tools", tree->root);
	assert_int_equal(tr_file_make_folders(place, 0755), 0);
	for (size_t i = 0; i < TR_COUNT(names); i++) {
		snprintf(path, sizeof(path), "%.500s/%s", place, names[i]);
		FILE *file = fopen(path, "we");
		assert_non_null(file);
		/* sh is named, so that the script needs no right to be run. */
		fprintf(file, "#!/bin/sh\nexec sh -c '. \"%s\"' \"$0\" \"$@\"\n", script);
		fclose(file);
		assert_int_equal(chmod(path, 0755), 0);
	}
	tree->path_before = strdup(getenv("PATH"));
	snprintf(path, sizeof(path), "%.500s:%.3000s", place, tree->path_before);
	setenv("PATH", path, 1);
	setenv("TR_FAKE_ROOT", tree->root, 1);
}

void tree_begin(struct tree *tree, const char *running)
{
	snprintf(tree->root, sizeof(tree->root), "/tmp/telerec-machine-XXXXXX");
	assert_non_null(mkdtemp(tree->root));
	link_tools(tree);
	tree_run(tree, running);
	tree_write(tree, "/etc/os-release", "PRETTY_NAME=\"Debian 12\"\nID=debian\n");
}

void tree_end(struct tree *tree)
{
	setenv("PATH", tree->path_before, 1);
	free(tree->path_before);
	tr_file_remove_tree(tree->root);
}

void tree_write_bytes(struct tree *tree, const char *path, const void *data, size_t size)
{
	char whole[PATH_MAX], folder[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s", tree->root, path);
	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(whole, '/') - whole), whole);
	assert_int_equal(tr_file_make_folders(folder, 0755), 0);
	FILE *file = fopen(whole, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	fclose(file);
}

void tree_write(struct tree *tree, const char *path, const char *text)
{
	tree_write_bytes(tree, path, text, strlen(text));
}

void tree_remove(struct tree *tree, const char *path)
{
	char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s", tree->root, path);
	assert_int_equal(tr_file_remove_tree(whole), 0);
}

bool tree_has(struct tree *tree, const char *path)
{
	char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s", tree->root, path);
	return access(whole, F_OK) == 0;
}

char *tree_read(struct tree *tree, const char *path)
{
	char whole[PATH_MAX], *text = NULL;
	size_t size;

	snprintf(whole, sizeof(whole), "%s%s", tree->root, path);
	return tr_file_read(AT_FDCWD, whole, 1 << 20, &text, &size) < 0 ? NULL : text;
}

bool tree_says(struct tree *tree, const char *path, const char *part)
{
	char *text = tree_read(tree, path);
	bool says = text && strstr(text, part);

	free(text);
	return says;
}

void tree_add_kernel(struct tree *tree, const char *version, bool has_aloop)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/boot/vmlinuz-%s", version);
	tree_write(tree, path, "");
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", version);
	tree_write(tree, path,
		has_aloop ? "kernel/fs/ext4/ext4.ko:\n"
			    "kernel/sound/drivers/snd-aloop.ko: kernel/sound/core/snd-pcm.ko\n"
			  : "kernel/fs/ext4/ext4.ko:\n");
	snprintf(path, sizeof(path), "/lib/modules/%s/kernel/sound/drivers/snd-aloop.ko", version);
	if (has_aloop)
		tree_write(tree, path, "");
}

void tree_run(struct tree *tree, const char *version)
{
	char line[256];

	snprintf(line, sizeof(line), "%s\n", version);
	tree_write(tree, "/proc/sys/kernel/osrelease", line);
}

void tree_add_grub(struct tree *tree)
{
	static char block[1024];

	memset(block, '#', sizeof(block));
	memcpy(block, "# GRUB Environment Block\n", 25);
	tree_write(tree, "/etc/default/grub", "GRUB_DEFAULT=0\nGRUB_TIMEOUT=5\n");
	tree_write_bytes(tree, "/boot/grub/grubenv", block, sizeof(block));
	tree_write(tree, "/boot/grub/grub.cfg", "");
	assert_int_equal(system("update-grub 2>/dev/null"), 0);
	tree_remove(tree, "/calls");
}
