/* The network share on which recordings are kept: tried before anything is saved. */
#include "console/setup_internal.h"

#include <stdio.h>
#include <string.h>

static void check_url(const char *value, char *out, size_t size, const void *user)
{
	(void)user;
	const char *host = value + 6;
	bool is_share = !strncmp(value, "nfs://", 6) || !strncmp(value, "smb://", 6);

	if (value[0] && (!is_share || !strchr(host, '/') || host[0] == '/'))
		snprintf(out, size, "Like nfs://nas/export or smb://nas/share/folder.");
	else if (strchr(value, '@'))
		snprintf(out, size, "The user goes into the field below.");
}

static const struct tr_field fields[] = {
	{.key = "url",
		.name = "Address",
		.hint = "nfs://nas/export or smb://nas/share/folder; a blank is %20.",
		.kind = TR_FIELD_TEXT,
		.is_needed = true,
		.check = check_url},
	/* Keys that no sentence of the trial's has in it: a fault would be shown there. */
	{.key = "who",
		.name = "User",
		.hint = "Of the SMB server, also DOMAIN\\user. Empty: as a guest.",
		.kind = TR_FIELD_TEXT},
	{.key = "pw",
		.name = "Password",
		.hint = "Kept in a file that only root can read.",
		.kind = TR_FIELD_SECRET},
};

static void update(struct tr_form *form, bool is_brief)
{
	bool is_smb = !strncmp(tr_form_value(form, "url"), "smb:", 4);

	(void)is_brief;
	tr_form_show(form, "who", is_smb);
	tr_form_show(form, "pw", is_smb);
}

static json_t *collect(const struct tr_form *form, const json_t *settings, const char *entry,
	char note[TR_SETUP_NOTE_MAX])
{
	const char *url = tr_form_value(form, "url");
	bool is_smb = !strncmp(url, "smb:", 4);

	(void)settings, (void)entry, (void)note;
	return json_pack("{s:s,s:s,s:s}", "url", url, "user",
		is_smb ? tr_form_value(form, "who") : "", "password",
		is_smb ? tr_form_value(form, "pw") : "");
}

static const char *const words[] = {"storage", "share", NULL};

const struct tr_setup_page tr_setup_page_share = {
	.name = "Network share",
	.title = "Network share",
	.what = "Recordings are written to a folder of another machine. When it is slow or gone, they "
		"suffer: it is safer to record to the internal disk and to upload to the share (Set-up, "
		"Upload target, smb://). It is tried before anything is changed.",
	.fields = fields,
	.count = TR_COUNT(fields),
	.words = words,
	.update = update,
	.collect = collect,
};
