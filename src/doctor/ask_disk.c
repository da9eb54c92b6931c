#include "core/clock.h"
#include "core/file.h"
#include "core/text.h"
#include "doctor/doctor_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#define TRIAL_BYTES (16 << 20)
#define CHUNK_BYTES (64 << 10)
#define SPARE_MINUTES 10 /* of one recording, beside the reserve */
#define LOW_HOURS 4
#define OUR_USER "telerec"

static const char *const meaning = "Recordings are refused, or end when the disk is full.";

static void fail(struct tr_doctor *doctor, const char *cause, const char *command,
	const char *format, const char *path, const char *why)
{
	const struct tr_finding finding = {
		.status = TR_FINDING_FAILURE,
		.cause = cause,
		.meaning = meaning,
		.cure = {.setting = "recordings", .text = command},
	};
	char sentence[PATH_MAX + 400];

	snprintf(sentence, sizeof(sentence), "%s %s%s%s", path, format, why[0] ? ": " : "", why);
	tr_findings_add(doctor->findings, &finding, "%s", sentence);
}

/* Who writes there: under systemd our own user, for root may write anywhere. */
static const struct passwd *find_writer(void)
{
	return geteuid() == 0 ? getpwnam(OUR_USER) : NULL;
}

static void format_install(const char *path, char *out, size_t size)
{
	if (find_writer())
		snprintf(out, size, "install -d -o telerec -g telerec -m 0750 %s\n", path);
	else
		snprintf(out, size, "install -d -m 0750 %s\n", path);
}

/* 0, or -errno: by an open without a name, as the writer. */
static int try_to_write(const char *path, const struct passwd *writer)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (writer && (initgroups(writer->pw_name, writer->pw_gid) < 0 ||
				      setgid(writer->pw_gid) < 0 || setuid(writer->pw_uid) < 0))
			_exit(EPERM);
		if (access(path, W_OK | X_OK) < 0)
			_exit(errno);
		int fd = open(path, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
		_exit(fd < 0 && errno != EOPNOTSUPP ? errno : 0);
	}
	int status = 0;
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

/* A picture's bits, about, where no bit rate is set; the sound comes on top. */
static int64_t bytes_per_hour(const struct tr_config *config)
{
	int64_t kbps = config->video.video_kbps;

	if (kbps == 0)
		kbps = (int64_t)config->video.width * config->video.height *
		       config->video.frame_rate / 16000;
	return (kbps + config->sound.audio_kbps) * 1000 / 8 * 3600;
}

/* What storage.reserve keeps free; "auto" is 1 GiB, or a twentieth of a small disk. */
static int64_t find_reserve(const struct tr_config *config, int fd)
{
	int64_t bytes = 0;
	int percent = 0;
	struct statvfs vfs;

	if (fstatvfs(fd, &vfs) < 0 || tr_config_read_reserve(config, &bytes, &percent) < 0)
		return 0;
	int64_t total = (int64_t)vfs.f_blocks * (int64_t)vfs.f_frsize;
	if (percent > 0)
		return total / 100 * percent;
	if (bytes > 0)
		return bytes;
	return total / 20 < INT64_C(1) << 30 ? total / 20 : INT64_C(1) << 30;
}

static void check_space(struct tr_doctor *doctor, const char *path, int fd)
{
	char text[24], sentence[120];
	int64_t free_bytes = tr_file_free_bytes(fd);
	double hours = (double)free_bytes / (double)bytes_per_hour(doctor->config);
	struct tr_finding finding = {
		.status = TR_FINDING_WARNING,
		.cause = "low-space",
		.meaning = meaning,
		.cure = {.text = "df -h # then make room, or name another folder: recordings = "
				 "\"...\";\n"},
	};

	if (free_bytes < 0)
		return;
	tr_text_format_bytes(free_bytes, text, sizeof(text));
	snprintf(sentence, sizeof(sentence), "has only %s left, about %.1f hours", text, hours);
	int64_t needed = find_reserve(doctor->config, fd) +
			 bytes_per_hour(doctor->config) / 60 * SPARE_MINUTES;
	if (free_bytes < needed)
		fail(doctor, "no-space", finding.cure.text, sentence, path, "");
	else if (hours < LOW_HOURS)
		tr_findings_add(doctor->findings, &finding, "%s %s", path, sentence);
	else
		tr_findings_ok(doctor->findings, "%s can be written to; %s free, about %.0f hours",
			path, text, hours);
}

/* MB/s with the disk's own word for it, 0 when it cannot be told. The file has no name. */
static double measure_speed(const char *path, int *ret_rc)
{
	TR_CLEANUP(tr_closep)
	int fd = open(path, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	char chunk[CHUNK_BYTES];

	*ret_rc = 0;
	if (fd < 0)
		return 0; /* a file system without such files */
	memset(chunk, 0x5a, sizeof(chunk));
	int64_t began_ns = tr_clock_now_ns();
	for (int i = 0; i < TRIAL_BYTES / CHUNK_BYTES && *ret_rc == 0; i++)
		*ret_rc = tr_file_write_all(fd, chunk, CHUNK_BYTES);
	if (*ret_rc == 0 && fdatasync(fd) < 0)
		*ret_rc = -errno;
	int64_t took_ns = tr_clock_now_ns() - began_ns;
	return *ret_rc < 0 || took_ns <= 0 ? 0
					   : TRIAL_BYTES / 1e6 / ((double)took_ns / TR_NS_PER_S);
}

static void check_speed(struct tr_doctor *doctor, const char *path)
{
	int rc = 0;
	double speed = measure_speed(path, &rc);
	int slots = doctor->config->slots > 0 ? doctor->config->slots : 1;
	double needed = (double)bytes_per_hour(doctor->config) / 3600 / 1e6 * slots * 4;
	const struct tr_finding finding = {
		.status = TR_FINDING_WARNING,
		.cause = "slow-disk",
		.meaning = "Recordings may lose pictures when all slots record.",
		.cure = {.text = "iostat -x 1 # what else writes there? A local disk is best\n"},
	};

	if (rc < 0)
		fail(doctor, "disk-error", "dmesg | tail\n", "cannot be written to", path,
			strerror(-rc));
	else if (speed > 0 && speed < needed)
		tr_findings_add(doctor->findings, &finding,
			"%s takes %.1f MB/s with fsync, which is little for %d slot%s", path, speed,
			slots, slots == 1 ? "" : "s");
	else if (speed > 0)
		tr_findings_ok(doctor->findings, "%.0f MB/s are written, fsync included", speed);
}

/* The folder that is missing is made, when we may. */
static bool fix_missing(struct tr_doctor *doctor, const char *path)
{
	const struct passwd *writer = find_writer();

	if (!doctor->settings->may_fix || tr_file_make_folders(path, 0750) < 0)
		return false;
	if (writer && chown(path, writer->pw_uid, writer->pw_gid) < 0)
		return false;
	tr_findings_note(doctor->findings, "fixed: %s was made", path);
	return true;
}

void tr_ask_disk(struct tr_doctor *doctor)
{
	const char *path = doctor->config->recordings;
	char command[PATH_MAX + 64];

	tr_doctor_enter(doctor, "disk", NULL);
	format_install(path, command, sizeof(command));
	TR_CLEANUP(tr_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int why = errno;
	if (fd < 0 && why == ENOENT && fix_missing(doctor, path))
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		fail(doctor, why == ENOENT ? "no-folder" : "unwritable", command,
			why == ENOENT ? "is not there" : "cannot be opened", path,
			why == ENOENT ? "" : strerror(why));
		return;
	}
	int rc = try_to_write(path, find_writer());
	if (rc < 0) {
		fail(doctor, "unwritable", command, "cannot be written to", path, strerror(-rc));
		return;
	}
	check_space(doctor, path, fd);
	if (!doctor->settings->is_quick)
		check_speed(doctor, path);
}
