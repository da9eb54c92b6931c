/* The page of a Jitsi Meet: its domain is typed, the rest proposed as Jitsi's packages have it. */
#include "console/setup_internal.h"

#include "console/screens.h"
#include "core/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define PASSWORD_LENGTH 24

static const char *const account_choices[] = {"have", "make", NULL};
static const char *const account_labels[] = {
	"there are: I type their passwords", "not yet: make passwords for them", NULL};
static const char *const style_choices[] = {"debian", "docker", NULL};
static const char *const style_labels[] = {"Debian's packages", "docker-jitsi-meet", NULL};
static const char *const security_choices[] = {"starttls", "tls", "ifpossible", "plain", NULL};
static const char *const security_labels[] = {"STARTTLS", "TLS from the first byte",
	"TLS where the server has it", "not encrypted: for tests", NULL};

static void check_domain(const char *value, char *out, size_t size, const void *user)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
	size_t length = strlen(value);

	(void)user;
	if (strstr(value, "://") || strchr(value, '/'))
		snprintf(out, size, "Only the name, without https:// and slashes.");
	else if (value[strspn(value, letters)])
		snprintf(out, size, "Letters, digits, '-' and '.' only: meet.example.org.");
	else if (length > 200 ||
		 (length > 0 && (value[0] == '.' || value[0] == '-' || value[length - 1] == '.')) ||
		 strstr(value, ".."))
		snprintf(out, size, "That is no domain: meet.example.org.");
}

static void check_url(const char *value, char *out, size_t size, const void *user)
{
	(void)user;
	if (value[0] && strncmp(value, "https://", 8) && strncmp(value, "http://", 7))
		snprintf(out, size, "An address that begins with https://.");
}

static void check_path(const char *value, char *out, size_t size, const void *user)
{
	(void)user;
	if (value[0] && value[0] != '/')
		snprintf(out, size, "The full path of a file, or nothing.");
	else if (value[0] && access(value, F_OK) < 0 && errno == ENOENT)
		snprintf(out, size, "There is no such file on this machine.");
}

static void check_fingerprint(const char *value, char *out, size_t size, const void *user)
{
	unsigned digits = 0;

	(void)user;
	for (const char *at = value; *at; at++)
		digits += strchr("0123456789abcdefABCDEF", *at) != NULL;
	if (value[0] && (digits != 64 || value[strspn(value, "0123456789abcdefABCDEF: ")]))
		snprintf(out, size, "A SHA-256 fingerprint: 32 pairs of digits like AB:CD:...");
}

static void check_entry(const char *value, char *out, size_t size, const void *user)
{
	(void)user;
	if (strpbrk(value, "[]\"\\"))
		snprintf(out, size, "Without brackets, quotes and backslashes.");
}

#define TEXT(its_key, its_name, its_hint, its_check)                                               \
	{                                                                                          \
		.key = its_key, .name = its_name, .hint = its_hint, .kind = TR_FIELD_TEXT,         \
		.check = its_check                                                                 \
	}

static const struct tr_field fields[] = {
	{.key = "xmpp_domain",
		.name = "Domain of the Jitsi Meet",
		.hint = "As people open it: meet.example.org.",
		.kind = TR_FIELD_TEXT,
		.is_needed = true,
		.check = check_domain},
	{.key = ".accounts",
		.name = "Accounts for recorders",
		.hint = "Two accounts on the Jitsi server: one to be asked (jibri), one to take part (recorder).",
		.kind = TR_FIELD_CHOICE,
		.choices = account_choices,
		.labels = account_labels},
	{.key = "control.password",
		.name = "Password of jibri",
		.hint = "Of the account jibri@auth.DOMAIN, by which Jicofo asks for recordings.",
		.kind = TR_FIELD_SECRET},
	{.key = "call.password",
		.name = "Password of recorder",
		.hint = "Of the account recorder@recorder.DOMAIN, by which the browser takes part unseen.",
		.kind = TR_FIELD_SECRET},
	{.key = ".more",
		.name = "Other names than usual",
		.hint = "Yes shows all names and addresses, as they are proposed for this domain.",
		.kind = TR_FIELD_SWITCH},
	{.key = ".style",
		.name = "The server is made of",
		.kind = TR_FIELD_CHOICE,
		.choices = style_choices,
		.labels = style_labels},
	TEXT(".name", "Its name here", "To tell it from others, in lists and in secrets.conf.",
		check_entry),
	TEXT("servers", "XMPP servers", "host or host:port, with commas between.", NULL),
	TEXT("base_url", "Address of the pages", "Rooms are below it.", check_url),
	TEXT("control.domain", "First account's domain", NULL, check_domain),
	TEXT("control.username", "First account's name", NULL, NULL),
	TEXT("brewery.domain", "Domain of the control room",
		"The MUC where Jicofo finds recorders.", check_domain),
	TEXT("brewery.room", "Control room", "As brewery-jid in jicofo.conf, before the @.", NULL),
	TEXT("call.domain", "Second account's domain", "hiddenDomain in config.js.", check_domain),
	TEXT("call.username", "Second account's name", NULL, NULL),
	TEXT("strip", "Before a room's domain", "conference. or, with docker, muc.", NULL),
	{.key = "security",
		.name = "Encryption",
		.kind = TR_FIELD_CHOICE,
		.choices = security_choices,
		.labels = security_labels},
	TEXT("ca_file", "Certificate authority",
		"A PEM file to trust besides the system's, for servers with a private one.",
		check_path),
	TEXT("fingerprint", "Certificate's fingerprint",
		"SHA-256: this certificate only. The doctor shows it, and a accepts it there.",
		check_fingerprint),
	TEXT("focus_jid", "Only this account may ask",
		"focus@auth.DOMAIN; empty: whoever is in the control room.", NULL),
};

/* ---- proposals ---- */

static void make_name(char *out, size_t size, const char *format, const char *domain)
{
	const char *mark = strstr(format, "%");

	if (mark)
		snprintf(out, size, "%.*s%s%s", (int)(mark - format), format, domain, mark + 1);
	else
		snprintf(out, size, "%s", format);
}

static const struct {
	const char *key, *debian, *docker; /* '%' is the domain */
} proposals[] = {
	{".name", "%", "%"},
	{"servers", "%", "%"},
	{"base_url", "https://%", "https://%"},
	{"control.domain", "auth.%", "auth.meet.jitsi"},
	{"control.username", "jibri", "jibri"},
	{"brewery.domain", "internal.auth.%", "internal-muc.meet.jitsi"},
	{"brewery.room", "jibribrewery", "jibribrewery"},
	{"call.domain", "recorder.%", "hidden.meet.jitsi"},
	{"call.username", "recorder", "recorder"},
	{"strip", "conference.", "muc."},
};

static bool is_docker(const struct tr_form *form)
{
	return !strcmp(tr_form_value(form, ".style"), "docker");
}

static void update(struct tr_form *form, bool is_brief)
{
	const char *domain = tr_form_value(form, "xmpp_domain");
	bool has_more = !strcmp(tr_form_value(form, ".more"), "true");
	bool is_made = !strcmp(tr_form_value(form, ".accounts"), "make");
	char text[400];

	(void)is_brief;
	for (unsigned i = 0; i < TR_COUNT(proposals); i++) {
		make_name(text, sizeof(text),
			is_docker(form) ? proposals[i].docker : proposals[i].debian, domain);
		tr_form_propose(form, proposals[i].key, domain[0] ? text : "");
	}
	for (unsigned i = 5; i < TR_COUNT(fields); i++)
		tr_form_show(form, fields[i].key, has_more);
	tr_form_show(form, "control.password", !is_made);
	tr_form_show(form, "call.password", !is_made);
}

/* An entry that is there keeps what it has: nothing is proposed over it. */
static void fill(struct tr_form *form, const json_t *settings, const char *entry)
{
	const json_t *old = tr_setup_values_entry(settings, "environments", entry);

	if (!old)
		return;
	tr_setup_values_fill(fields, TR_COUNT(fields), form, old);
	if (!strcmp(tr_form_value(form, "control.domain"), "auth.meet.jitsi"))
		tr_form_set(form, ".style", "docker");
	tr_form_set(form, ".name", entry);
	for (unsigned i = 0; i < TR_COUNT(proposals); i++)
		tr_form_keep(form, proposals[i].key);
}

/* ---- saving ---- */

static bool check(struct tr_form *form, const json_t *settings, const char *entry)
{
	static const char *const keys[] = {"call.password", "control.password"};
	bool is_good = true, is_made = !strcmp(tr_form_value(form, ".accounts"), "make");
	const char *name = entry[0] ? entry : tr_form_value(form, ".name");

	for (unsigned i = 0; !entry[0] && !is_made && i < TR_COUNT(keys); i++)
		if (!tr_form_value(form, keys[i])[0]) {
			tr_form_blame(form, keys[i],
				"This is needed. When there is no account yet, choose \"not yet\" above.");
			is_good = false;
		}
	if (!entry[0] && tr_setup_values_entry(settings, "environments", name)) {
		tr_form_set(form, ".more", "true");
		update(form, false);
		tr_form_blame(form, ".name", "There is one of this name already: change that one.");
		is_good = false;
	}
	return is_good;
}

static int make_password(char out[PASSWORD_LENGTH + 1])
{
	static const char letters[] = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
	unsigned char bytes[PASSWORD_LENGTH];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return -EIO;
	for (int i = 0; i < PASSWORD_LENGTH; i++)
		out[i] = letters[bytes[i] % (sizeof(letters) - 1)];
	out[PASSWORD_LENGTH] = '\0';
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

static void add_passwords(json_t *changes, const char *prefix)
{
	static const char *const keys[] = {"control.password", "call.password"};
	char key[TR_SETUP_KEY_MAX], password[PASSWORD_LENGTH + 1];

	for (unsigned i = 0; i < TR_COUNT(keys); i++)
		if (make_password(password) == 0 &&
			tr_text_format(key, sizeof(key), "%s%s", prefix, keys[i]) == 0)
			json_object_set_new(changes, key, json_string(password));
	explicit_bzero(password, sizeof(password));
}

/* Of a new one: what is not as the settings' own defaults would have it. */
static bool is_usual(const char *key, const char *text, const char *domain)
{
	char usual[400];

	for (unsigned i = 0; i < TR_COUNT(proposals); i++)
		if (!strcmp(proposals[i].key, key)) {
			make_name(usual, sizeof(usual), proposals[i].debian, domain);
			return !strcmp(usual, text);
		}
	return !text[0] || (!strcmp(key, "security") && !strcmp(text, "starttls"));
}

static json_t *collect_new(const struct tr_form *form, const char *prefix)
{
	bool is_inside = is_docker(form); /* its XMPP domain is nobody's address */
	json_t *changes = json_object();
	char key[TR_SETUP_KEY_MAX];

	for (unsigned i = 0; i < TR_COUNT(fields); i++) {
		const char *text = tr_form_value(form, fields[i].key);
		const char *domain = is_inside ? "" : tr_form_value(form, "xmpp_domain");
		if (fields[i].key[0] == '.' || is_usual(fields[i].key, text, domain) ||
			tr_text_format(key, sizeof(key), "%s%s", prefix, fields[i].key) < 0)
			continue;
		json_t *old = strcmp(fields[i].key, "servers") ? NULL : json_array();
		if (is_inside && !strcmp(fields[i].key, "xmpp_domain"))
			text = "meet.jitsi";
		json_object_set_new(changes, key, tr_setup_values_json(&fields[i], text, old));
		json_decref(old);
	}
	return changes;
}

static json_t *collect(const struct tr_form *form, const json_t *settings, const char *entry,
	char note[TR_SETUP_NOTE_MAX])
{
	const char *name = entry[0] ? entry : tr_form_value(form, ".name");
	bool is_made = !strcmp(tr_form_value(form, ".accounts"), "make");
	char prefix[TR_SETUP_KEY_MAX];

	if (tr_text_format(prefix, sizeof(prefix), "environments[%s].",
		    name[0] ? name : tr_form_value(form, "xmpp_domain")) < 0)
		return NULL;
	json_t *changes =
		entry[0] ? tr_setup_values_collect(fields, TR_COUNT(fields), form,
				   tr_setup_values_entry(settings, "environments", entry), prefix)
			 : collect_new(form, prefix);
	if (is_made)
		add_passwords(changes, prefix);
	snprintf(note, TR_SETUP_NOTE_MAX, "%s%s", is_made ? "+" : "-",
		name[0] ? name : tr_form_value(form, "xmpp_domain"));
	return changes;
}

/* ---- afterwards ---- */

struct after {
	char name[TR_SETUP_NOTE_MAX];
	tr_setup_done_fn *done;
	void *user;
};

static void ask_doctor(struct tr_console *console, bool is_saved, void *user)
{
	struct after *after = user;
	const struct tr_doctor_request request = {after->name, after->done, after->user};

	(void)is_saved;
	tr_console_push(console, &tr_screen_doctor, &request);
	free(after);
}

/* What is to be run on the server first, then whether all of it works. */
static void saved(struct tr_console *console, const char *note, tr_setup_done_fn *done, void *user)
{
	struct after *after = calloc(1, sizeof(*after));

	if (!after || !note[0]) {
		free(after);
		done(console, true, user);
		return;
	}
	*after = (struct after){.done = done, .user = user};
	snprintf(after->name, sizeof(after->name), "%s", note + 1);
	if (note[0] != '+') {
		ask_doctor(console, true, after);
		return;
	}
	const char *const argv[] = {"telerec", "server-config", "prosody", "--config",
		tr_setup_config(console), "--environment", after->name, NULL};
	const struct tr_output_request request = {
		.title = "What to run on the Jitsi server",
		.what = "The accounts have passwords now. Run and paste this on the Jitsi server, then "
			"press Enter here: the doctor looks whether it works.",
		.argv = argv,
		.as_root = tr_setup_needs_root(console),
		.done = ask_doctor,
		.user = after,
	};
	tr_console_push(console, &tr_screen_output, &request);
}

const struct tr_setup_page tr_setup_page_jitsi = {
	.name = "Jitsi server",
	.title = "Jitsi server",
	.what = "The Jitsi Meet whose meetings are recorded. Type its domain; the rest follows from it.",
	.fields = fields,
	.count = TR_COUNT(fields),
	.fill = fill,
	.update = update,
	.check = check,
	.collect = collect,
	.saved = saved,
};
