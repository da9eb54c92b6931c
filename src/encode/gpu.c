#define TR_LOG_AREA "gpu"
#include "encode/gpu.h"

#include "core/log.h"
#include "encode/wire.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const installed_folders[] = {
	"/usr/libexec/telerec", "/usr/lib/telerec", "/usr/local/libexec/telerec"};

static void *load_beside_program(void)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - sizeof(TR_GPU_MODULE));

	if (length < 0)
		return NULL;
	path[length] = '\0';
	char *slash = strrchr(path, '/');
	if (!slash)
		return NULL;
	strcpy(slash + 1, TR_GPU_MODULE);
	return access(path, F_OK) == 0 ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
}

/* The slot opens the module for us when its user may not reach our folder. */
static int given_fd(void)
{
	struct stat st;

	return fstat(TR_WIRE_MODULE_FD, &st) == 0 && S_ISREG(st.st_mode) ? TR_WIRE_MODULE_FD : -1;
}

/* It is never unloaded: drivers leave threads and exit handlers behind. */
static void *load(int module_fd)
{
	char path[PATH_MAX];
	void *module = NULL;

	dlerror();
	if (module_fd < 0)
		module_fd = given_fd();
	if (module_fd >= 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", module_fd);
		return dlopen(path, RTLD_NOW | RTLD_LOCAL);
	}
	module = load_beside_program();
	for (size_t i = 0; !module && i < TR_COUNT(installed_folders); i++) {
		snprintf(path, sizeof(path), "%s/" TR_GPU_MODULE, installed_folders[i]);
		if (access(path, F_OK) == 0)
			module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	}
	return module;
}

int tr_gpu_load_symbol(
	const char *symbol, int module_fd, char *problem, size_t problem_size, void **ret)
{
	void *module = load(module_fd);
	void *found = module ? dlsym(module, symbol) : NULL;

	if (!found) {
		const char *words = dlerror();
		snprintf(problem, problem_size, "cannot load " TR_GPU_MODULE " (%s)",
			words ? words : "it is not beside telerec-encoder");
		return tr_fail(-ENOENT, "%s", problem);
	}
	*ret = found;
	return 0;
}

int tr_gpu_load(enum tr_rung_kind kind, int module_fd, char *problem, size_t problem_size,
	const struct tr_video_ops **ret)
{
	void *found = NULL;

	if (kind == TR_RUNG_SOFTWARE) {
		*ret = &tr_video_software;
		return 0;
	}
	int rc = tr_gpu_load_symbol(TR_GPU_ENTRY, module_fd, problem, problem_size, &found);
	if (rc < 0)
		return rc;
	tr_gpu_find_fn *find = (tr_gpu_find_fn *)found;
	*ret = find ? find(kind) : NULL;
	if (!*ret) {
		snprintf(problem, problem_size, "this build has no encoder of that kind");
		return -ENOTSUP;
	}
	return 0;
}
