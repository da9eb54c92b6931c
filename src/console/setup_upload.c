/* Where finished recordings are uploaded to: a target, and whether it takes something. */
#include "console/setup_internal.h"

#include "core/text.h"

#include <stdio.h>
#include <string.h>

static void check_name(const char *value, char *out, size_t size, const void *user)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_";

	(void)user;
	if (value[strspn(value, letters)] || strlen(value) > 60)
		snprintf(out, size, "A short word: letters, digits, '-' and '_' only.");
}

static bool begins(const char *value, const char *const *words)
{
	for (; *words; words++)
		if (!strncmp(value, *words, strlen(*words)) && value[strlen(*words)])
			return true;
	return false;
}

static void check_url(const char *value, char *out, size_t size, const void *user)
{
	static const char *const schemes[] = {"sftp://", "webdavs://", "https://", "webdav://",
		"http://", "s3://", "smb://", NULL};

	(void)user;
	if (value[0] && (!begins(value, schemes) || strpbrk(value, " \t\"\\")))
		snprintf(out, size,
			"Like sftp://user@host/folder, https://host/remote.php/dav/files/user, "
			"s3://bucket/folder or smb://host/share.");
}

static const char *const what_choices[] = {"all", "movie", NULL};
static const char *const what_labels[] = {"film, poster and report", "the film alone", NULL};
static const struct tr_field fields[] = {
	{.key = ".name",
		.name = "Name",
		.hint = "What you call it: archive, cloud ...",
		.kind = TR_FIELD_TEXT,
		.is_needed = true,
		.check = check_name},
	{.key = "url",
		.name = "Address",
		.hint = "sftp://user@host/folder, https://host/path (WebDAV, Nextcloud), s3://bucket/folder, smb://host/share",
		.kind = TR_FIELD_TEXT,
		.is_needed = true,
		.check = check_url},
	{.key = "user",
		.name = "User",
		.hint = "When the address has none.",
		.kind = TR_FIELD_TEXT},
	{.key = "password",
		.name = "Password",
		.hint = "Goes into secrets.conf. Empty: the one that is there stays.",
		.kind = TR_FIELD_SECRET},
	{.key = "key_file",
		.name = "Private key's file",
		.hint = "Instead of a password: a file that the user telerec can read.",
		.kind = TR_FIELD_TEXT},
	{.key = "host_keys",
		.name = "The server's keys",
		.hint = "Like ssh-ed25519 AAAA..., with commas between. When there is none, the test that follows says how to get it.",
		.kind = TR_FIELD_TEXT},
	{.key = "access_key", .name = "Access key", .kind = TR_FIELD_SECRET},
	{.key = "secret_key", .name = "Secret key", .kind = TR_FIELD_SECRET},
	{.key = "endpoint",
		.name = "Server",
		.hint = "Where it is not Amazon's: https://minio.example.org:9000",
		.kind = TR_FIELD_TEXT},
	{.key = "region", .name = "Region", .kind = TR_FIELD_TEXT},
	{.key = "ca_file",
		.name = "Authority's file",
		.hint = "A certificate authority to trust besides the system's.",
		.kind = TR_FIELD_TEXT},
	{.key = "what",
		.name = "What",
		.kind = TR_FIELD_CHOICE,
		.choices = what_choices,
		.labels = what_labels},
	{.key = "bandwidth",
		.name = "Bytes a second at most",
		.hint = "Like 5M; 0: no limit.",
		.kind = TR_FIELD_TEXT},
};

/* ---- what an address needs ---- */

static void update(struct tr_form *form, bool is_brief)
{
	const char *url = tr_form_value(form, "url");
	bool is_sftp = !strncmp(url, "sftp:", 5), is_s3 = !strncmp(url, "s3:", 3);
	bool is_tls = !strncmp(url, "https:", 6) || !strncmp(url, "webdavs:", 8);

	(void)is_brief;
	tr_form_show(form, "user", !is_s3);
	tr_form_show(form, "password", !is_s3);
	tr_form_show(form, "key_file", is_sftp);
	tr_form_show(form, "host_keys", is_sftp);
	tr_form_show(form, "access_key", is_s3);
	tr_form_show(form, "secret_key", is_s3);
	tr_form_show(form, "endpoint", is_s3);
	tr_form_show(form, "region", is_s3);
	tr_form_show(form, "ca_file", is_s3 || is_tls);
}

static void fill(struct tr_form *form, const json_t *settings, const char *entry)
{
	const json_t *old = tr_setup_values_entry(settings, "storage.uploads", entry);

	tr_form_set(form, "what", "all");
	tr_form_set(form, "bandwidth", "0");
	tr_form_set(form, ".name", old ? entry : "");
	if (old)
		tr_setup_values_fill(fields, TR_COUNT(fields), form, old);
	tr_form_show(form, ".name", !old);
}

static bool check(struct tr_form *form, const json_t *settings, const char *entry)
{
	const char *name = tr_form_value(form, ".name");

	if (entry[0] || !tr_setup_values_entry(settings, "storage.uploads", name))
		return true;
	tr_form_blame(form, ".name", "There is one of this name already: change that one.");
	return false;
}

/* "type key, type key": a key has a blank in it. */
static json_t *split_keys(const char *text)
{
	json_t *list = json_array();

	for (text += strspn(text, ", "); *text; text += strspn(text, ", ")) {
		size_t length = strcspn(text, ",");
		json_array_append_new(list, json_stringn(text, length));
		text += length;
	}
	return list;
}

static json_t *collect(const struct tr_form *form, const json_t *settings, const char *entry,
	char note[TR_SETUP_NOTE_MAX])
{
	const char *name = entry[0] ? entry : tr_form_value(form, ".name");
	char prefix[TR_SETUP_KEY_MAX], key[TR_SETUP_KEY_MAX + 16];

	if (tr_text_format(prefix, sizeof(prefix), "storage.uploads[%s].", name) < 0)
		return NULL;
	json_t *changes = tr_setup_values_collect(fields, TR_COUNT(fields), form,
		tr_setup_values_entry(settings, "storage.uploads", name), prefix);
	snprintf(key, sizeof(key), "%shost_keys", prefix);
	if (tr_form_is_dirty(form, "host_keys"))
		json_object_set_new(changes, key, split_keys(tr_form_value(form, "host_keys")));
	snprintf(note, TR_SETUP_NOTE_MAX, "%s", name);
	return changes;
}

static void saved(struct tr_console *console, const char *note, tr_setup_done_fn *done, void *user)
{
	const struct tr_upload_test_request request = {note, done, user};

	tr_console_push(console, &tr_screen_upload_test, &request);
}

const struct tr_setup_page tr_setup_page_upload = {
	.name = "Upload target",
	.title = "Upload target",
	.what = "Where finished recordings are uploaded to.",
	.fields = fields,
	.count = TR_COUNT(fields),
	.fill = fill,
	.update = update,
	.check = check,
	.collect = collect,
	.saved = saved,
};
