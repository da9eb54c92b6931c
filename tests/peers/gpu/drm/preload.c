/*
 * What umockdev's test bed lacks to be a DRM device for libdrm and libva: descriptors of its nodes
 * say that they are character devices, answer the few ioctls that probing needs, and can refuse to
 * be opened. Preloaded before umockdev's library, with UMOCKDEV_DIR set; nodes/NAME holds the
 * facts.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <drm.h>
#include <i915_drm.h>

#define EXPORT __attribute__((visibility("default")))
#define DRM_MAJOR 226
#define VIDEO_GROUP 44 /* Debian's number of the group "video" */
#define DEV_DRI "/dev/dri/"

struct node {
	unsigned minor;
	char driver[32];
	int major_version, minor_version, patch;
	bool is_denied;
	int huc; /* 1: authenticated; 0: not; -1: no such question */
};

/* glibc's own, past every other preloaded library. */
static const char *world(void)
{
	for (char **e = environ; e && *e; e++)
		if (!strncmp(*e, "UMOCKDEV_DIR=", 13))
			return *e + 13;
	return NULL;
}

/* Reads without the hooks of umockdev, and ours. */
static ssize_t read_raw(const char *path, char *out, size_t size)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	long n = syscall(SYS_read, fd, out, size - 1);
	syscall(SYS_close, fd);
	if (n >= 0)
		out[n] = '\0';
	return n;
}

static bool read_node(const char *name, struct node *node)
{
	char path[PATH_MAX], text[256];
	int is_denied = 0;
	const char *dir = world();

	if (!dir || strchr(name, '/'))
		return false;
	snprintf(path, sizeof(path), "%s/nodes/%s", dir, name);
	if (read_raw(path, text, sizeof(text)) < 0)
		return false;
	*node = (struct node){0};
	if (sscanf(text, "%u %31s %d.%d.%d %d %d", &node->minor, node->driver, &node->major_version,
		    &node->minor_version, &node->patch, &is_denied, &node->huc) != 7)
		return false;
	node->is_denied = is_denied;
	return true;
}

/* By the path that the descriptor was opened with. */
static bool find_node(int fd, struct node *node)
{
	char link[64], path[PATH_MAX];
	const char *dir = world();

	if (!dir || fd < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	long n = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	size_t length = strlen(dir);
	if (strncmp(path, dir, length) || strncmp(path + length, DEV_DRI, strlen(DEV_DRI)))
		return false;
	return read_node(path + length + strlen(DEV_DRI), node);
}

static const char *node_name(const char *path)
{
	size_t length = strlen(DEV_DRI);

	return path && !strncmp(path, DEV_DRI, length) && path[length] ? path + length : NULL;
}

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

/* Nodes that this world lacks are not looked for in the real one. */
static int check_node(const char *name)
{
	struct node node;

	if (!read_node(name, &node))
		errno = ENOENT;
	else if (node.is_denied)
		errno = EACCES;
	else
		return 0;
	return -1;
}

/* Past umockdev, which wants a server for the ioctls of what it opens. */
static int open_node(const char *name, int flags)
{
	char path[PATH_MAX];

	if (check_node(name))
		return -1;
	snprintf(path, sizeof(path), "%s" DEV_DRI "%s", world(), name);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags & ~(O_CREAT | O_EXCL | O_TRUNC));
}

typedef int (*open_fn)(const char *, int, ...);
typedef int (*openat_fn)(int, const char *, int, ...);

#define DEFINE_OPEN(name)                                                                          \
	EXPORT int name(const char *path, int flags, ...);                                         \
	EXPORT int name(const char *path, int flags, ...)                                          \
	{                                                                                          \
		va_list arguments;                                                                 \
		va_start(arguments, flags);                                                        \
		mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;       \
		va_end(arguments);                                                                 \
		const char *node = world() ? node_name(path) : NULL;                               \
		return node ? open_node(node, flags) : ((open_fn)next(#name))(path, flags, mode);  \
	}
#define DEFINE_OPENAT(name)                                                                        \
	EXPORT int name(int dir, const char *path, int flags, ...);                                \
	EXPORT int name(int dir, const char *path, int flags, ...)                                 \
	{                                                                                          \
		va_list arguments;                                                                 \
		va_start(arguments, flags);                                                        \
		mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;       \
		va_end(arguments);                                                                 \
		const char *node = world() ? node_name(path) : NULL;                               \
		return node ? open_node(node, flags)                                               \
			    : ((openat_fn)next(#name))(dir, path, flags, mode);                    \
	}

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

EXPORT int __open_2(const char *path, int flags);
EXPORT int __open_2(const char *path, int flags)
{
	return open(path, flags);
}

EXPORT int __open64_2(const char *path, int flags);
EXPORT int __open64_2(const char *path, int flags)
{
	return open64(path, flags);
}

EXPORT int access(const char *path, int mode)
{
	const char *node = world() ? node_name(path) : NULL;

	if (node && mode != F_OK)
		return check_node(node);
	return ((int (*)(const char *, int))next("access"))(path, mode);
}

static void adjust(const struct node *node, struct stat *stat)
{
	stat->st_mode = S_IFCHR | 0660;
	stat->st_uid = 0;
	stat->st_gid = VIDEO_GROUP;
	stat->st_rdev = makedev(DRM_MAJOR, node->minor);
}

#define DEFINE_STAT(name, type)                                                                    \
	EXPORT int name(const char *path, struct type *ret)                                        \
	{                                                                                          \
		int rc = ((int (*)(const char *, struct type *))next(#name))(path, ret);           \
		const char *node_part = node_name(path);                                           \
		struct node node;                                                                  \
		if (rc == 0 && node_part && read_node(node_part, &node))                           \
			adjust(&node, (struct stat *)ret);                                         \
		return rc;                                                                         \
	}
#define DEFINE_FSTAT(name, type)                                                                   \
	EXPORT int name(int fd, struct type *ret)                                                  \
	{                                                                                          \
		int rc = ((int (*)(int, struct type *))next(#name))(fd, ret);                      \
		struct node node;                                                                  \
		if (rc == 0 && find_node(fd, &node))                                               \
			adjust(&node, (struct stat *)ret);                                         \
		return rc;                                                                         \
	}

/* On the machines that we build for both structs are the same. */
_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "one layout of stat");
DEFINE_STAT(stat, stat)
DEFINE_STAT(stat64, stat64)
DEFINE_FSTAT(fstat, stat)
DEFINE_FSTAT(fstat64, stat64)

static void give_text(const char *text, char *out, __kernel_size_t *size)
{
	if (out && *size)
		memcpy(out, text, strlen(text) < *size ? strlen(text) : *size);
	*size = strlen(text);
}

static int answer(const struct node *node, unsigned long request, void *argument)
{
	struct drm_version *version = argument;
	struct drm_i915_getparam *parameter = argument;

	if (request == DRM_IOCTL_VERSION) {
		version->version_major = node->major_version;
		version->version_minor = node->minor_version;
		version->version_patchlevel = node->patch;
		give_text(node->driver, version->name, &version->name_len);
		give_text("20201103", version->date, &version->date_len);
		give_text(node->driver, version->desc, &version->desc_len);
		return 0;
	}
	if (request == DRM_IOCTL_I915_GETPARAM && parameter->param == I915_PARAM_HUC_STATUS &&
		!strcmp(node->driver, "i915") && node->huc >= 0) {
		*parameter->value = node->huc;
		return 0;
	}
	errno = EINVAL;
	return -1;
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	struct node node;

	va_start(arguments, request);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);
	if (_IOC_TYPE(request) == DRM_IOCTL_BASE && find_node(fd, &node))
		return answer(&node, request, argument);
	return ((int (*)(int, unsigned long, ...))next("ioctl"))(fd, request, argument);
}

/* The world's drivers, also for a program that clears its environment of LIBVA_ settings. */
EXPORT char *secure_getenv(const char *name)
{
	static char path[PATH_MAX];
	const char *dir = world();

	if (dir && !strcmp(name, "LIBVA_DRIVERS_PATH")) {
		snprintf(path, sizeof(path), "%s/va", dir);
		return path;
	}
	return ((char *(*)(const char *))next("secure_getenv"))(name);
}
