#include "system/machine_setup.h"

#include "core/file.h"
#include "core/text.h"
#include "system/kernel_place.h"

#include <crypt.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define TOOL_MS 30000
#define FILE_BYTES 65536
#define PIN_PATH "/etc/telerec/console.pin"
#define KEYBOARD_PATH "/etc/default/keyboard"
#define TIMESYNCD_PATH "/etc/systemd/timesyncd.conf.d/20-telerec.conf"
#define CHRONY_PATH "/etc/chrony/sources.d/telerec.sources"

static bool is_here(const char *root)
{
	return !root[0] && access("/run/systemd/system", F_OK) == 0;
}

static int read_below(const char *root, const char *path, char **ret_text)
{
	char whole[PATH_MAX];
	size_t size;
	int rc = tr_text_format(whole, sizeof(whole), "%s%s", root, path);

	return rc < 0 ? rc : tr_file_read(AT_FDCWD, whole, FILE_BYTES, ret_text, &size);
}

/* What the text has behind `name`, up to the end of the line, without quotes. */
static void find_value(const char *text, const char *name, char *out, size_t size)
{
	size_t length = strlen(name);

	out[0] = '\0';
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) != 0)
			continue;
		line += length;
		line += *line == '"';
		snprintf(out, size, "%.*s", (int)strcspn(line, "\"\n"), line);
		return;
	}
}

/* ---- time ---- */

static bool has_chrony(const char *root)
{
	return tr_kernel_has(root, "/etc/chrony/chrony.conf");
}

static json_t *list_words(const char *text)
{
	json_t *list = json_array();

	for (text += strspn(text, " ,"); *text; text += strspn(text, " ,")) {
		size_t length = strcspn(text, " ,");
		json_array_append_new(list, json_stringn(text, length));
		text += length;
	}
	return list;
}

static json_t *read_servers(const char *root)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	char words[1024] = "";

	if (has_chrony(root)) {
		json_t *list = json_array();
		const char *line =
			read_below(root, CHRONY_PATH, &text) == 0 ? strstr(text, "server ") : NULL;
		for (; line; line = strstr(line, "server ")) {
			line += strlen("server ");
			json_array_append_new(list, json_stringn(line, strcspn(line, " \n")));
		}
		return list;
	}
	if (read_below(root, TIMESYNCD_PATH, &text) == 0)
		find_value(text, "NTP=", words, sizeof(words));
	return list_words(words);
}

static json_t *read_time(const char *root, const char *container)
{
	char whole[PATH_MAX], target[PATH_MAX] = "", zone[200] = "UTC", why[200] = "";
	static const char mark[] = "zoneinfo/";

	if (tr_text_format(whole, sizeof(whole), "%s/etc/localtime", root) == 0) {
		ssize_t length = readlink(whole, target, sizeof(target) - 1);
		target[length > 0 ? length : 0] = '\0';
	}
	if (strstr(target, mark))
		snprintf(zone, sizeof(zone), "%.190s", strstr(target, mark) + strlen(mark));
	if (container[0])
		snprintf(why, sizeof(why),
			"This is a container (%.40s): its host decides about the clock.",
			container);
	return json_pack("{s:s,s:s,s:o}", "why", why, "zone", zone, "servers", read_servers(root));
}

static int set_zone(struct tr_change *change, const char *zone)
{
	char whole[PATH_MAX], target[PATH_MAX], link[PATH_MAX + 4];
	const char *const argv[] = {"timedatectl", "set-timezone", zone, NULL};

	if (is_here(change->root))
		return tr_change_run(change, argv, TOOL_MS);
	if (tr_text_format(target, sizeof(target), "/usr/share/zoneinfo/%s", zone) < 0 ||
		tr_text_format(whole, sizeof(whole), "%s/etc/localtime", change->root) < 0)
		return tr_change_fail(change, -ENAMETOOLONG, "that name is too long");
	tr_change_say(change, "/etc/localtime -> %s", target);
	if (change->is_dry_run)
		return 0;
	snprintf(link, sizeof(link), "%s.tr", whole);
	unlink(link);
	if (symlink(target, link) < 0 || rename(link, whole) < 0)
		return tr_change_fail(
			change, -errno, "/etc/localtime cannot be written: %s", strerror(errno));
	return 0;
}

static int set_servers(struct tr_change *change, const json_t *servers)
{
	static const char *const restart[] = {
		"systemctl", "try-restart", "systemd-timesyncd.service", NULL};
	static const char *const reload[] = {"chronyc", "reload", "sources", NULL};
	bool is_chrony = has_chrony(change->root);
	char text[4096] = "";
	json_t *server;
	size_t i, used = 0;

	if (!is_chrony)
		used = (size_t)snprintf(text, sizeof(text), "# Written by telerec.\n[Time]\nNTP=");
	json_array_foreach((json_t *)servers, i, server) used +=
		(size_t)snprintf(text + used, sizeof(text) - used,
			is_chrony ? "server %s iburst\n" : "%s ", json_string_value(server));
	if (!is_chrony)
		snprintf(text + used, sizeof(text) - used, "\n");
	int rc = tr_change_file(change, is_chrony ? CHRONY_PATH : TIMESYNCD_PATH,
		json_array_size(servers) > 0 ? text : NULL);
	if (rc == 0 && is_here(change->root))
		rc = tr_change_run(change, is_chrony ? reload : restart, TOOL_MS);
	return rc;
}

/* ---- keyboard ---- */

static json_t *read_keyboard(const char *root)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	char layout[40] = "us";
	bool is_there = read_below(root, KEYBOARD_PATH, &text) == 0;

	if (is_there)
		find_value(text, "XKBLAYOUT=", layout, sizeof(layout));
	return json_pack("{s:s,s:s}", "why",
		is_there
			? ""
			: "Nothing sets a keyboard here: install the package keyboard-configuration, "
			  "or it is a machine without one.",
		"layout", layout[0] ? layout : "us");
}

static int set_layout(struct tr_change *change, const char *layout)
{
	static const char *const apply[] = {"setupcon", "--force", "--keyboard-only", NULL};
	TR_CLEANUP(tr_freep) char *text = NULL;
	char old[40], before[80], after[80], made[FILE_BYTES];

	int rc = read_below(change->root, KEYBOARD_PATH, &text);
	if (rc < 0)
		return tr_change_fail(change, -ENOTSUP, "there is no %s here", KEYBOARD_PATH);
	find_value(text, "XKBLAYOUT=", old, sizeof(old));
	snprintf(before, sizeof(before), "XKBLAYOUT=\"%s\"", old);
	snprintf(after, sizeof(after), "XKBLAYOUT=\"%s\"", layout);
	const char *at = strstr(text, before);
	int cut = at ? (int)(at - text) : (int)strlen(text);
	rc = tr_text_format(
		made, sizeof(made), "%.*s%s%s", cut, text, after, at ? at + strlen(before) : "\n");
	if (rc == 0)
		rc = tr_change_file(change, KEYBOARD_PATH, made);
	if (rc == 0 && !change->root[0] && access("/usr/bin/setupcon", X_OK) == 0)
		rc = tr_change_run(change, apply, TOOL_MS);
	return rc;
}

/* ---- the console's PIN ---- */

static int open_pin_folder(const char *root)
{
	char whole[PATH_MAX];

	if (tr_text_format(whole, sizeof(whole), "%s/etc/telerec", root) < 0 ||
		tr_file_make_folders(whole, 0755) < 0)
		return -EIO;
	int fd = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int set_pin(struct tr_change *change, const char *pin)
{
	TR_CLEANUP(tr_freep) struct crypt_data *data = calloc(1, sizeof(*data));
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];

	tr_change_say(change, pin[0] ? PIN_PATH ": the PIN's hash" : PIN_PATH ": removed");
	if (change->is_dry_run)
		return 0;
	TR_CLEANUP(tr_closep) int folder = open_pin_folder(change->root);
	if (folder < 0 || !data)
		return tr_change_fail(change, -EIO, PIN_PATH " cannot be written");
	if (!pin[0]) {
		if (unlinkat(folder, "console.pin", 0) < 0 && errno != ENOENT)
			return tr_change_fail(change, -errno, PIN_PATH " cannot be removed");
		return 0;
	}
	const char *hash = crypt_gensalt_rn(NULL, 0, NULL, 0, salt, sizeof(salt))
				   ? crypt_r(pin, salt, data)
				   : NULL;
	if (!hash || hash[0] == '*')
		return tr_change_fail(change, -EIO, "the PIN cannot be hashed");
	int rc = tr_file_replace_private(folder, "console.pin", hash, strlen(hash));
	if (rc == 0 && fchmodat(folder, "console.pin", 0600, 0) < 0)
		rc = -errno;
	explicit_bzero(data, sizeof(*data));
	return rc < 0 ? tr_change_fail(change, rc, PIN_PATH " cannot be written: %s", strerror(-rc))
		      : 0;
}

/* All bytes are looked at, whatever differs. */
static bool is_same(const char *a, const char *b)
{
	size_t length = strlen(a), other = strlen(b);
	unsigned char differs = length != other;

	for (size_t i = 0; i < length && i < other; i++)
		differs |= (unsigned char)(a[i] ^ b[i]);
	return !differs;
}

int tr_machine_check_pin(const char *root, const char *pin)
{
	TR_CLEANUP(tr_freep) struct crypt_data *data = calloc(1, sizeof(*data));
	TR_CLEANUP(tr_freep) char *hash = NULL;

	int rc = data ? read_below(root, PIN_PATH, &hash) : -ENOMEM;
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	const char *made = crypt_r(pin, hash, data);
	rc = made && made[0] != '*' && is_same(made, hash) ? 0 : -EACCES;
	explicit_bzero(data, sizeof(*data));
	return rc;
}

/* ---- all of it ---- */

json_t *tr_machine_read(const char *root)
{
	char container[64] = "", whole[PATH_MAX];

	tr_kernel_find_container(root, container, sizeof(container));
	bool has_pin = tr_text_format(whole, sizeof(whole), "%s" PIN_PATH, root) == 0 &&
		       access(whole, F_OK) == 0;
	return json_pack("{s:o,s:o,s:o,s:o,s:{s:b}}", "network", tr_machine_network_read(root),
		"time", read_time(root, container), "keyboard", read_keyboard(root), "ssh",
		tr_machine_ssh_read(root), "console", "has_pin", has_pin);
}

static bool is_word(const char *text, const char *more)
{
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(more, *text))
			return false;
	return true;
}

/* NULL, or what is wrong with the value. */
static const char *find_fault(const char *root, const char *key, const json_t *value)
{
	const char *text = json_string_value(value);
	char path[PATH_MAX];
	json_t *item;
	size_t i;

	if (!strcmp(key, "time.zone")) {
		if (!text || !text[0] || !is_word(text, "/_+-") || text[0] == '/' ||
			tr_text_format(path, sizeof(path), "%s/usr/share/zoneinfo/%s", root, text) <
				0 ||
			access(path, R_OK) < 0)
			return "there is no such time zone: Europe/Berlin, UTC";
	} else if (!strcmp(key, "time.servers")) {
		json_array_foreach((json_t *)value, i,
			item) if (!json_is_string(item) ||
				  !is_word(json_string_value(item),
					  ".-:_")) return "names of servers with commas between";
		return json_is_array(value) && json_array_size(value) <= 8 ? NULL
									   : "at most 8 names";
	} else if (!strcmp(key, "keyboard.layout")) {
		if (!text || strlen(text) < 2 || strlen(text) > 16 || !is_word(text, ",-"))
			return "a keyboard's language like de or us";
	} else if (!strcmp(key, "console.pin")) {
		if (!text || (text[0] && strlen(text) < 4) || strlen(text) > 128)
			return "four characters at least";
	} else if (!strcmp(key, "console.old_pin")) {
		return text ? NULL : "a text";
	} else if (!strcmp(key, "ssh.user") || !strcmp(key, "ssh.key")) {
		return text && text[0] && !strpbrk(text, "\n\r") ? NULL : "one line";
	} else if (strncmp(key, "network.", 8) != 0) {
		return "there is no such setting";
	}
	return NULL;
}

static int set_one(struct tr_change *change, const char *key, const json_t *value)
{
	const char *text = json_string_value(value);

	if (!strcmp(key, "time.zone"))
		return set_zone(change, text);
	if (!strcmp(key, "time.servers"))
		return set_servers(change, value);
	if (!strcmp(key, "keyboard.layout"))
		return set_layout(change, text);
	if (!strcmp(key, "console.pin"))
		return set_pin(change, text);
	return 0; /* those that belong together are set together */
}

int tr_machine_set(struct tr_change *change, const json_t *settings)
{
	const char *key, *user = json_string_value(json_object_get(settings, "ssh.user"));
	const char *line = json_string_value(json_object_get(settings, "ssh.key"));
	bool has_network = false;
	json_t *value;
	int rc = 0;

	json_object_foreach((json_t *)settings, key, value)
	{
		const char *fault = find_fault(change->root, key, value);
		if (fault)
			return tr_change_fail(change, -EINVAL, "%.80s: %s", key, fault);
		has_network |= !strncmp(key, "network.", 8);
	}
	const char *old = json_string_value(json_object_get(settings, "console.old_pin"));
	if (json_object_get(settings, "console.pin") &&
		tr_machine_check_pin(change->root, old ? old : "") != 0)
		return tr_change_fail(change, -EPERM,
			"console.old_pin: this is not the PIN that is set. Who has forgotten it removes "
			"/etc/telerec/console.pin as root");
	if (line && !user)
		return tr_change_fail(change, -EINVAL, "ssh.key: say whose, as ssh.user");
	json_object_foreach((json_t *)settings, key, value) if (rc == 0) rc =
		set_one(change, key, value);
	if (rc == 0 && line)
		rc = tr_machine_ssh_add(change, user, line);
	if (rc == 0 && has_network)
		rc = tr_machine_network_set(change, settings);
	return rc;
}
