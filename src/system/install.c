#include "system/install.h"

#include "core/file.h"
#include "core/text.h"
#include "system/disk_layout.h"
#include "system/disk_write.h"
#include "system/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define TABLE_MS 60000
#define FORMAT_MS 900000
#define COPY_MS 600000
#define BOOT_CODE_BYTES 440
#define LIST_LIMIT ((size_t)1 << 20)
#define EXT4_MAGIC 0xEF53
#define DATA_LABEL "TR-DATA"

struct work {
	const struct tr_install_wish *wish;
	struct tr_install_result *result;
	tr_install_tell_fn *tell;
	void *user;
	const char *step;
	char *hashes; /* the medium's SHA256SUMS */
	int disk;
	int64_t bytes;
	int sector_bytes;
	char scratch[64]; /* a folder of ours in memory */
	char image[96];	  /* in it: a file system while it is made */
};

static int fail(struct work *work, int rc, const char *format, ...) TR_PRINTF(3, 4);

static int fail(struct work *work, int rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(work->result->why, sizeof(work->result->why), format, args);
	va_end(args);
	return rc;
}

static void begin_step(struct work *work, const char *step)
{
	work->step = step;
	work->tell(step, 0, work->user);
}

static void tell_bytes(int64_t done, int64_t size, void *user)
{
	struct work *work = user;

	work->tell(work->step, size > 0 ? (int)(done * 100 / size) : 100, work->user);
}

/* Runs a tool for this step. */
static int run(struct work *work, const char *const *argv, int timeout_ms)
{
	TR_CLEANUP(tr_freep) char *output = NULL;

	int rc = tr_tool_run(argv, timeout_ms, 1, &output);
	if (rc == 0)
		return 0;
	if (rc == -ENOENT)
		return fail(work, rc, "the program %s is missing", argv[0]);
	if (rc == -ETIMEDOUT)
		return fail(work, rc, "%s did not end within %d s", argv[0], timeout_ms / 1000);
	if (rc < 0)
		return fail(work, rc, "%s: %s", argv[0], strerror(-rc));
	return fail(work, -EIO, "%s failed: %s", argv[0], tr_tool_last_line(output));
}

static void path_of(const struct work *work, const char *name, char out[static PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/live/%s", work->wish->medium, name);
}

static int check_size(struct work *work, const char *name, int64_t limit)
{
	char path[PATH_MAX];
	struct stat st;

	path_of(work, name, path);
	if (stat(path, &st) < 0)
		return fail(work, -ENOENT,
			"the medium has no %s: boot the stick and run this there, or name a medium by --from",
			path);
	if (st.st_size > limit)
		return fail(work, -EFBIG, "%s is larger than its place on the disk (%lld MiB)",
			path, (long long)(limit / TR_MIB));
	return 0;
}

static int check_medium(struct work *work)
{
	char path[PATH_MAX];
	size_t size;

	path_of(work, "SHA256SUMS", path);
	int rc = tr_file_read(AT_FDCWD, path, LIST_LIMIT, &work->hashes, &size);
	if (rc < 0)
		return fail(work, -ENOENT,
			"there is no system to install in %s (no live/SHA256SUMS): boot the stick and run this there, or name a medium by --from",
			work->wish->medium);
	rc = check_size(work, "root.squashfs", tr_disk_layout_get(TR_PART_ROOT_A)->size);
	if (rc == 0)
		rc = check_size(work, "bios/core.img", tr_disk_layout_get(TR_PART_BIOS_BOOT)->size);
	if (rc == 0)
		rc = check_size(work, "bios/boot.img", 512);
	if (rc == 0)
		rc = check_size(work, "boot.squashfs", tr_disk_layout_get(TR_PART_BOOT_A)->size);
	return rc;
}

static bool has_data(int disk)
{
	unsigned char super[136];
	int64_t offset = tr_disk_layout_get(TR_PART_DATA)->offset + 1024;

	return pread(disk, super, sizeof(super), offset) == (ssize_t)sizeof(super) &&
	       (super[56] | super[57] << 8) == EXT4_MAGIC &&
	       !memcmp(super + 120, DATA_LABEL, sizeof(DATA_LABEL));
}

bool tr_install_finds_data(const char *disk)
{
	TR_CLEANUP(tr_closep) int fd = open(disk, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && has_data(fd);
}

static int check_disk(struct work *work)
{
	const char *name = work->wish->disk;
	struct stat st;

	if (stat(name, &st) < 0)
		return fail(work, -errno, "there is no disk %s", name);
	/* Exclusive is: not mounted, and no part of a RAID or of an encrypted disk. */
	work->disk = open(name, O_RDWR | O_CLOEXEC | (S_ISBLK(st.st_mode) ? O_EXCL : 0));
	if (work->disk < 0 && errno == EBUSY)
		return fail(work, -EBUSY, "%s is in use: something on it is mounted", name);
	if (work->disk < 0)
		return fail(work, -errno, "cannot open %s (%s)", name, strerror(errno));
	/* From now on the tools open it, too, and mkfs.ext4 insists on being the only one. */
	close(tr_take_fd(&work->disk));
	work->disk = open(name, O_RDWR | O_CLOEXEC);
	if (work->disk < 0)
		return fail(work, -errno, "cannot open %s (%s)", name, strerror(errno));
	work->bytes = tr_disk_write_size(work->disk);
	if (work->bytes < TR_DISK_LAYOUT_MIN_BYTES)
		return fail(work, -EINVAL,
			"%s is too small: the two system slots and some room for recordings need %lld MiB",
			name, (long long)(TR_DISK_LAYOUT_MIN_BYTES / TR_MIB));
	work->sector_bytes = 512;
	if (S_ISBLK(st.st_mode) && ioctl(work->disk, BLKSSZGET, &work->sector_bytes) < 0)
		return fail(work, -errno, "%s does not tell the size of its sectors", name);
	if (work->wish->keeps_data && !has_data(work->disk))
		return fail(work, -EINVAL,
			"%s has no data partition of ours in its place, so there is nothing to keep; without --keep-data all of the disk is used",
			name);
	return 0;
}

static int write_table(struct work *work)
{
	char **argv = NULL;

	begin_step(work, "partitioning");
	work->result->is_touched = true;
	/* What was booted from here goes first, and a table that sgdisk cannot read. */
	int rc = tr_disk_write_zeros(work->disk, 0, TR_MIB);
	if (rc == 0)
		rc = tr_disk_write_zeros(
			work->disk, (work->bytes - TR_MIB) / TR_MIB * TR_MIB, TR_MIB);
	for (int part = 0; rc == 0 && part < TR_PART_COUNT; part++)
		if (part != TR_PART_DATA || !work->wish->keeps_data)
			rc = tr_disk_write_zeros(work->disk,
				tr_disk_layout_get((enum tr_disk_layout_part)part)->offset, TR_MIB);
	if (rc < 0)
		return fail(work, rc, "cannot write to %s (%s)", work->wish->disk, strerror(-rc));
	rc = tr_disk_layout_command(work->wish->disk, work->bytes, work->sector_bytes, &argv);
	if (rc == 0)
		rc = run(work, (const char *const *)argv, TABLE_MS);
	tr_disk_layout_free_command(argv);
	return rc;
}

static int compare(struct work *work, const char *name, const char *is, const char *where)
{
	char wanted[TR_DISK_WRITE_HASH];

	if (tr_disk_write_find_hash(work->hashes, name, wanted) < 0)
		return fail(work, -EBADMSG, "the medium's SHA256SUMS does not name %s", name);
	if (strcmp(is, wanted) != 0)
		return fail(work, -EBADMSG,
			"%s as read from %s is damaged (its SHA-256 is not the one in SHA256SUMS): use another %s",
			name, where, strcmp(where, "the medium") ? "disk" : "stick, written anew");
	return 0;
}

static int copy_raw(struct work *work, const char *name, int64_t offset, const char *doing,
	const char *checking)
{
	char path[PATH_MAX], hash[TR_DISK_WRITE_HASH];
	struct stat st;

	path_of(work, name, path);
	begin_step(work, doing);
	int rc = stat(path, &st) < 0 ? -errno : 0;
	if (rc == 0)
		rc = tr_disk_write_file(work->disk, offset, path, hash, tell_bytes, work);
	if (rc < 0)
		return fail(work, rc, "copying %s to %s failed (%s)", path, work->wish->disk,
			strerror(-rc));
	rc = compare(work, name, hash, "the medium");
	if (rc < 0)
		return rc;
	begin_step(work, checking);
	rc = tr_disk_write_read_back(work->disk, offset, st.st_size, hash, tell_bytes, work);
	if (rc < 0)
		return fail(work, rc, "%s cannot be read back from %s (%s)", name, work->wish->disk,
			strerror(-rc));
	return compare(work, name, hash, work->wish->disk);
}

/* A FAT file system in memory, which goes to the disk when all is in it. */
static int make_fat(struct work *work, enum tr_disk_layout_part part, const char *label)
{
	int64_t size = tr_disk_layout_get(part)->size;
	char sector[16];

	snprintf(sector, sizeof(sector), "%d", work->sector_bytes);
	(void)unlink(work->image);
	TR_CLEANUP(tr_closep) int fd = open(work->image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, size) < 0)
		return fail(work, -errno, "no room for the boot files in %s", work->scratch);
	const char *const argv[] = {
		"mkfs.vfat", "-F", "32", "-s", "1", "-S", sector, "-n", label, work->image, NULL};
	return run(work, argv, FORMAT_MS);
}

static int copy_into(struct work *work, const char *from, const char *to)
{
	const char *const argv[] = {"mcopy", "-s", "-Q", "-o", "-i", work->image, from, to, NULL};

	return run(work, argv, COPY_MS);
}

static int put_fat(struct work *work, enum tr_disk_layout_part part)
{
	const struct tr_disk_layout_place *place = tr_disk_layout_get(part);
	char is[TR_DISK_WRITE_HASH], wanted[TR_DISK_WRITE_HASH];

	int rc = tr_disk_write_file(
		work->disk, place->offset, work->image, wanted, tell_bytes, work);
	if (rc == 0)
		rc = tr_disk_write_read_back(
			work->disk, place->offset, place->size, is, NULL, NULL);
	(void)unlink(work->image);
	if (rc < 0)
		return fail(work, rc, "writing the partition %s of %s failed (%s)", place->name,
			work->wish->disk, strerror(-rc));
	if (strcmp(is, wanted) != 0)
		return fail(work, -EBADMSG,
			"the partition %s of %s does not hold what was written: use another disk",
			place->name, work->wish->disk);
	return 0;
}

/* The settings of the system that runs: what was set up on the stick is not asked for again. */
static int collect_settings(struct work *work, char out[static PATH_MAX])
{
	static const char *const kept[] = {"etc", "network", "ssh", "provisioned"};

	snprintf(out, PATH_MAX, "%s/data", work->scratch);
	if (mkdir(out, 0755) < 0)
		return fail(work, -errno, "no room for the settings in %s", work->scratch);
	for (size_t i = 0; work->wish->data && i < TR_COUNT(kept); i++) {
		char path[PATH_MAX];
		snprintf(path, sizeof(path), "%s/%s", work->wish->data, kept[i]);
		const char *const argv[] = {"cp", "-a", path, out, NULL};
		int rc = access(path, F_OK) == 0 ? run(work, argv, COPY_MS) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int write_data(struct work *work)
{
	int64_t offset = tr_disk_layout_get(TR_PART_DATA)->offset;
	char place[64], blocks[32], folder[PATH_MAX];

	begin_step(work, "making the data partition");
	int rc = collect_settings(work, folder);
	if (rc < 0)
		return rc;
	/* The rest is written while the system runs: a large disk is not waited for. */
	snprintf(place, sizeof(place), "offset=%lld,lazy_itable_init=1,root_owner=0:0",
		(long long)offset);
	snprintf(blocks, sizeof(blocks), "%lldk",
		(long long)(tr_disk_layout_data_bytes(work->bytes) / 1024));
	const char *const argv[] = {"mkfs.ext4", "-q", "-F", "-L", DATA_LABEL, "-b", "4096", "-m",
		"0", "-d", folder, "-E", place, work->wish->disk, blocks, NULL};
	rc = run(work, argv, FORMAT_MS);
	if (rc == 0)
		tr_disk_write_forget(work->disk);
	return rc == 0 && !has_data(work->disk)
		       ? fail(work, -EBADMSG, "the data partition cannot be read back from %s",
				 work->wish->disk)
		       : rc;
}

static int write_grubenv(struct work *work)
{
	char block[TR_DISK_LAYOUT_GRUBENV], path[128];

	tr_disk_layout_grubenv(block);
	snprintf(path, sizeof(path), "%s/grubenv", work->scratch);
	TR_CLEANUP(tr_closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	int rc = fd < 0 ? -errno : tr_file_write_all(fd, block, sizeof(block));
	if (rc < 0)
		return fail(work, rc, "cannot write %s (%s)", path, strerror(-rc));
	return copy_into(work, path, "::/boot/grub/grubenv");
}

static int write_esp(struct work *work)
{
	static const char *const folders[] = {"EFI", "boot"};
	char path[PATH_MAX];

	begin_step(work, "writing the boot files");
	int rc = make_fat(work, TR_PART_ESP, "TR-ESP");
	for (size_t i = 0; rc == 0 && i < TR_COUNT(folders); i++) {
		snprintf(path, sizeof(path), "%s/live/esp/%s", work->wish->medium, folders[i]);
		rc = copy_into(work, path, "::");
	}
	/* GRUB's menu must be there; the rest is the firmware's choice. */
	const char *const reads[] = {"mtype", "-i", work->image, "::/boot/grub/grub.cfg", NULL};
	if (rc == 0)
		rc = run(work, reads, COPY_MS);
	if (rc == 0)
		rc = write_grubenv(work);
	return rc == 0 ? put_fat(work, TR_PART_ESP) : rc;
}

/* The boot sector's code, beside the table of partitions that is in the same sector. */
static int write_boot_code(struct work *work)
{
	char path[PATH_MAX], code[BOOT_CODE_BYTES], was[BOOT_CODE_BYTES];

	path_of(work, "bios/boot.img", path);
	TR_CLEANUP(tr_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, code, sizeof(code)) != (ssize_t)sizeof(code))
		return fail(work, -EIO, "cannot read %s", path);
	if (pwrite(work->disk, code, sizeof(code), 0) != (ssize_t)sizeof(code) ||
		fsync(work->disk) < 0)
		return fail(work, -EIO, "cannot write the boot sector of %s", work->wish->disk);
	tr_disk_write_forget(work->disk);
	if (pread(work->disk, was, sizeof(was), 0) != (ssize_t)sizeof(was) ||
		memcmp(was, code, sizeof(code)) != 0)
		return fail(work, -EBADMSG, "the boot sector of %s does not keep what is written",
			work->wish->disk);
	return 0;
}

/* With sectors of 4 KiB no BIOS boots, and GRUB's code counts in 512. */
static int write_bios(struct work *work)
{
	if (work->sector_bytes != 512)
		return 0;
	int rc = copy_raw(work, "bios/core.img", tr_disk_layout_get(TR_PART_BIOS_BOOT)->offset,
		"writing GRUB for BIOS", "checking GRUB for BIOS");
	return rc == 0 ? write_boot_code(work) : rc;
}

static int install(struct work *work)
{
	int rc = check_medium(work);
	if (rc == 0)
		rc = check_disk(work);
	if (rc == 0)
		rc = write_table(work);
	if (rc == 0)
		rc = copy_raw(work, "root.squashfs", tr_disk_layout_get(TR_PART_ROOT_A)->offset,
			"copying the system", "checking the system");
	if (rc == 0)
		rc = copy_raw(work, "boot.squashfs", tr_disk_layout_get(TR_PART_BOOT_A)->offset,
			"copying the kernel", "checking the kernel");
	if (rc == 0 && !work->wish->keeps_data)
		rc = write_data(work);
	if (rc == 0)
		rc = write_esp(work);
	if (rc == 0)
		rc = write_bios(work);
	if (rc == 0) {
		tr_disk_write_forget(work->disk);
		begin_step(work, "done");
		work->tell("done", 100, work->user);
	}
	return rc;
}

int tr_install_run(const struct tr_install_wish *wish, tr_install_tell_fn *tell, void *user,
	struct tr_install_result *ret_result)
{
	struct work work = {
		.wish = wish, .result = ret_result, .tell = tell, .user = user, .disk = -1};

	*ret_result = (struct tr_install_result){0};
	snprintf(work.scratch, sizeof(work.scratch), "%s/telerec-install-XXXXXX",
		access("/run", W_OK) == 0 ? "/run" : "/tmp");
	if (!mkdtemp(work.scratch))
		return fail(&work, -errno, "cannot make a folder in /run");
	snprintf(work.image, sizeof(work.image), "%s/fat", work.scratch);
	int rc = install(&work);
	/* The kernel reads the new table when nobody has the disk open. */
	if (work.disk >= 0 && ret_result->is_touched)
		(void)ioctl(work.disk, BLKRRPART, 0);
	tr_closep(&work.disk);
	free(work.hashes);
	tr_file_remove_tree(work.scratch);
	return rc;
}
