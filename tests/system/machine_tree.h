/* A machine for tests: a tree with kernels, GRUB and modules, and its tools first on PATH. */
#ifndef TR_TESTS_MACHINE_TREE_H
#define TR_TESTS_MACHINE_TREE_H

#include <stdbool.h>
#include <stddef.h>

#define TREE_CLOUD "6.1.0-51-cloud-amd64"
#define TREE_GENERIC "6.1.0-50-amd64"
#define TREE_GENERIC_PATH                                                                          \
	"gnulinux-advanced-0f1e2d3c-1111-4222-8333-444455556666>"                                  \
	"gnulinux-6.1.0-50-amd64-advanced-0f1e2d3c-1111-4222-8333-444455556666"

struct tree {
	char root[64];
	char *path_before;
};

/* Empty but for /proc's version. */
void tree_begin(struct tree *tree, const char *running);
void tree_end(struct tree *tree);

void tree_write(struct tree *tree, const char *path, const char *text); /* folders too */
void tree_write_bytes(struct tree *tree, const char *path, const void *data, size_t size);
void tree_remove(struct tree *tree, const char *path);
bool tree_has(struct tree *tree, const char *path);
/* The file's text; the caller's. NULL when there is none. */
char *tree_read(struct tree *tree, const char *path);
bool tree_says(struct tree *tree, const char *path, const char *part);

/* An image, and modules with or without snd-aloop. */
void tree_add_kernel(struct tree *tree, const char *version, bool has_aloop);
void tree_run(struct tree *tree, const char *version); /* from now on this kernel runs */
/* GRUB, as after update-grub; the admin's settings are GRUB_DEFAULT=0. */
void tree_add_grub(struct tree *tree);

#endif
