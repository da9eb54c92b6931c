#define TR_LOG_AREA "programs"
#include "session/programs.h"

#include "core/file.h"
#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define ENCODER "telerec-encoder"
#define MODULE "telerec-gpu.so"
#define PLUGIN "libasound_module_pcm_telerec.so"
#define PLUGIN_MAX_BYTES (4 << 20)

static const char *const installed_folders[] = {
	"/usr/libexec/telerec", "/usr/lib/telerec", "/usr/local/libexec/telerec"};

static int own_folder(char *out, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", out, size - 1);

	if (length < 0)
		return -errno;
	out[length] = '\0';
	char *slash = strrchr(out, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	return 0;
}

static int find(const char *name, char *out, size_t size)
{
	char folder[PATH_MAX];

	int rc = own_folder(folder, sizeof(folder));
	if (rc == 0)
		rc = tr_text_format(out, size, "%s/%s", folder, name);
	if (rc == 0 && access(out, R_OK) == 0)
		return 0;
	for (size_t i = 0; i < TR_COUNT(installed_folders); i++)
		if (tr_text_format(out, size, "%s/%s", installed_folders[i], name) == 0 &&
			access(out, R_OK) == 0)
			return 0;
	out[0] = '\0';
	return -ENOENT;
}

int tr_programs_find(struct tr_programs *ret)
{
	*ret = (struct tr_programs){.encoder_fd = -1, .module_fd = -1};
	char module[PATH_MAX];

	int rc = find(ENCODER, ret->encoder, sizeof(ret->encoder));
	if (rc < 0)
		return tr_fail(
			rc, "cannot find " ENCODER " beside this program: install telerec again");
	ret->encoder_fd = open(ret->encoder, O_PATH | O_CLOEXEC);
	if (ret->encoder_fd < 0)
		return tr_fail(-errno, "cannot open %s", ret->encoder);
	if (find(MODULE, module, sizeof(module)) == 0)
		ret->module_fd = open(module, O_PATH | O_CLOEXEC);
	if (find(PLUGIN, ret->plugin, sizeof(ret->plugin)) < 0)
		tr_warning("cannot find " PLUGIN ": sound needs the snd-aloop module then");
	return 0;
}

int tr_programs_copy_plugin(struct tr_programs *programs, const char *runtime_dir)
{
	TR_CLEANUP(tr_freep) char *data = NULL;
	char copy[PATH_MAX];
	size_t size = 0;

	if (geteuid() != 0 || !programs->plugin[0])
		return 0;
	int rc = tr_text_format(copy, sizeof(copy), "%s/" PLUGIN, runtime_dir);
	if (rc == 0)
		rc = tr_file_read(AT_FDCWD, programs->plugin, PLUGIN_MAX_BYTES, &data, &size);
	if (rc < 0)
		return tr_fail(rc, "cannot copy %s", programs->plugin);
	TR_CLEANUP(tr_closep) int fd = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (fd < 0)
		return tr_fail(-errno, "cannot write %s", copy);
	rc = tr_file_write_all(fd, data, size);
	if (rc < 0)
		return tr_fail(rc, "cannot write %s", copy);
	memcpy(programs->plugin, copy, sizeof(copy));
	return 0;
}

void tr_programs_close(struct tr_programs *programs)
{
	if (programs->encoder_fd >= 0)
		close(tr_take_fd(&programs->encoder_fd));
	if (programs->module_fd >= 0)
		close(tr_take_fd(&programs->module_fd));
}
