#include "cli/import_write.h"

#include "config/config_text.h"
#include "core/file.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG "telerec.conf"
#define SECRETS "secrets.conf"
#define SECRETS_HEAD                                                                               \
	"# Passwords, for telerec.conf beside this file. Nobody else may read it (chmod 600).\n"

struct texts {
	char *config, *secrets;
};

static void free_texts(struct texts *texts)
{
	free(texts->config);
	if (texts->secrets)
		explicit_bzero(texts->secrets, strlen(texts->secrets));
	free(texts->secrets);
}

/* Secrets are written when there are none, too: those of another configuration would not fit. */
static int make_texts(const struct tr_import_plan *plan, const char *head, struct texts *texts)
{
	int rc = tr_config_text_make(head, plan->settings, &texts->config);
	return rc < 0 ? rc : tr_config_text_make(SECRETS_HEAD, plan->secrets, &texts->secrets);
}

/* What is written over stays under another name. */
static int keep_old(int folder, const char *name)
{
	char old[40];

	snprintf(old, sizeof(old), "%s.old", name);
	if (faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (unlinkat(folder, old, 0) < 0 && errno != ENOENT)
		return -errno;
	return linkat(folder, name, folder, old, 0) < 0 ? -errno : 0;
}

static int write_private(int folder, const char *name, const char *text)
{
	int rc = tr_file_replace_private(folder, name, text, strlen(text));
	/* Also in a folder that a group shares: who wants that may say so. */
	if (rc == 0 && fchmodat(folder, name, 0600, 0) < 0)
		rc = -errno;
	return rc;
}

static int write_texts(int folder, const struct texts *texts, const char *suffix)
{
	char config[40], secrets[40];

	snprintf(config, sizeof(config), CONFIG "%s", suffix);
	snprintf(secrets, sizeof(secrets), SECRETS "%s", suffix);
	int rc = suffix[0] ? 0 : keep_old(folder, secrets);
	if (rc == 0 && !suffix[0])
		rc = keep_old(folder, config);
	if (rc == 0)
		rc = write_private(folder, secrets, texts->secrets);
	if (rc == 0)
		rc = tr_file_replace(folder, config, texts->config, strlen(texts->config));
	/* telerecd reads it as an ordinary user; there is no password in it. */
	if (rc == 0 && fchmodat(folder, config, 0644, 0) < 0)
		rc = -errno;
	return rc;
}

/* Complaints of a trial folder's file as those of the final one. */
static void rename_lines(char lines[][512], unsigned count, const char *trial, const char *folder)
{
	size_t length = strlen(trial);
	char line[512];

	for (unsigned i = 0; i < count; i++) {
		if (strncmp(lines[i], trial, length) != 0)
			continue;
		snprintf(line, sizeof(line), "%.200s%.300s", folder, lines[i] + length);
		memcpy(lines[i], line, sizeof(line));
	}
}

static void rename_complaints(
	struct tr_config_complaints *complaints, const char *trial, const char *folder)
{
	unsigned count = complaints->count < TR_CONFIG_COMPLAINTS_MAX ? complaints->count
								      : TR_CONFIG_COMPLAINTS_MAX;
	rename_lines(complaints->lines, count, trial, folder);
	rename_lines(complaints->warnings, complaints->warning_count, trial, folder);
}

/* Reads what was written into the trial folder as telerecd will. */
static int check(const char *trial, const char *folder, struct tr_import_result *result)
{
	struct tr_config *config = calloc(1, sizeof(*config));
	char path[PATH_MAX];

	if (!config)
		return -ENOMEM;
	int rc = tr_text_format(path, sizeof(path), "%s/" CONFIG, trial);
	if (rc == 0)
		rc = tr_config_load(path, config, &result->complaints);
	if (rc == 0 && tr_config_check_files(config, path, &result->files) < 0)
		rename_complaints(&result->files, trial, folder);
	rename_complaints(&result->complaints, trial, folder);
	explicit_bzero(config, sizeof(*config));
	free(config);
	return result->complaints.count > 0 ? 0 : rc;
}

static int try_out(const char *folder, const struct texts *texts, struct tr_import_result *result)
{
	char trial[PATH_MAX];

	int rc = tr_text_format(trial, sizeof(trial), "%s/.import.XXXXXX", folder);
	if (rc < 0)
		return rc;
	if (!mkdtemp(trial))
		return -errno;
	TR_CLEANUP(tr_closep) int fd = open(trial, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = fd < 0 ? -errno : write_texts(fd, texts, "");
	if (rc == 0)
		rc = check(trial, folder, result);
	tr_file_remove_tree(trial);
	return rc;
}

static bool is_taken(int folder)
{
	return faccessat(folder, CONFIG, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	       faccessat(folder, SECRETS, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int name_files(const char *folder, struct tr_import_result *result)
{
	const char *suffix = result->is_beside ? ".new" : "";
	const char *slash = folder[strlen(folder) - 1] == '/' ? "" : "/";

	int rc = tr_text_format(result->config_path, sizeof(result->config_path),
		"%s%s" CONFIG "%s", folder, slash, suffix);
	return rc < 0 ? rc
		      : tr_text_format(result->secrets_path, sizeof(result->secrets_path),
				"%s%s" SECRETS "%s", folder, slash, suffix);
}

int tr_import_write(const struct tr_import_plan *plan, const char *folder, const char *head,
	bool is_forced, struct tr_import_result *ret_result)
{
	TR_CLEANUP(free_texts) struct texts texts = {0};
	struct tr_import_result *result = ret_result;

	memset(result, 0, sizeof(*result));
	int rc = make_texts(plan, head, &texts);
	if (rc == 0)
		rc = tr_file_make_folders(folder, 0755);
	if (rc < 0)
		return rc;
	TR_CLEANUP(tr_closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = try_out(folder, &texts, result);
	if (rc < 0)
		return rc;
	result->is_beside = result->complaints.count > 0 || (is_taken(fd) && !is_forced);
	rc = name_files(folder, result);
	return rc < 0 ? rc : write_texts(fd, &texts, result->is_beside ? ".new" : "");
}
