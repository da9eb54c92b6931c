#include "core/file.h"
#include "doctor/doctor_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void fail(
	struct tr_doctor *doctor, const char *cause, const char *command, const char *sentence)
{
	const struct tr_finding finding = {
		.status = TR_FINDING_FAILURE,
		.cause = cause,
		.meaning = "telerecd does not start with this, or recordings stay on this machine "
			   "unprocessed.",
		.cure = {.setting = "finalize.script", .text = command},
	};

	tr_findings_add(doctor->findings, &finding, "%s", sentence);
}

/* The program of a "#!" line that is not there; false when all is well. */
static bool lacks_interpreter(const char *path, char *out, size_t size)
{
	char line[300];
	TR_CLEANUP(tr_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	if (n < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = '\0';
	char *program = line + 2 + strspn(line + 2, " \t");
	program[strcspn(program, " \t\r\n")] = '\0';
	snprintf(out, size, "%s", program);
	return program[0] == '/' && access(program, X_OK) < 0;
}

static bool fix_mode(struct tr_doctor *doctor, const char *path, mode_t mode)
{
	if (!doctor->settings->may_fix || chmod(path, (mode & 07777) | 0111) < 0)
		return false;
	tr_findings_note(doctor->findings, "fixed: %s can be run", path);
	return true;
}

void tr_ask_finalize(struct tr_doctor *doctor)
{
	const char *path = doctor->config->finalize.script;
	char command[PATH_MAX + 100], text[PATH_MAX + 400], program[300];
	struct stat st;

	tr_doctor_enter(doctor, "finalize", NULL);
	if (!path[0])
		return;
	if (stat(path, &st) < 0) {
		snprintf(text, sizeof(text), "the finalize script %s is not there: %s", path,
			strerror(errno));
		snprintf(command, sizeof(command), "install -m 755 YOUR-SCRIPT %s\n", path);
		fail(doctor, "finalize-missing", command, text);
	} else if (!S_ISREG(st.st_mode)) {
		snprintf(text, sizeof(text), "the finalize script %s is no file", path);
		snprintf(command, sizeof(command), "ls -ld %s\n", path);
		fail(doctor, "finalize-missing", command, text);
	} else if (access(path, X_OK) < 0 && !fix_mode(doctor, path, st.st_mode)) {
		snprintf(text, sizeof(text), "the finalize script %s is not executable", path);
		snprintf(command, sizeof(command), "chmod 755 %s\n", path);
		fail(doctor, "finalize-not-executable", command, text);
	} else if (lacks_interpreter(path, program, sizeof(program))) {
		snprintf(text, sizeof(text),
			"the finalize script %s wants %s, which is not installed", path, program);
		snprintf(command, sizeof(command), "head -n 1 %s\n", path);
		fail(doctor, "finalize-interpreter", command, text);
	} else {
		tr_findings_ok(doctor->findings, "%s can be run", path);
	}
}
