/* The pages about the machine itself, which `telerec machine` reads and sets. */
#include "console/setup_internal.h"

#include "core/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* ---- network ---- */

static const char *const method_choices[] = {"dhcp", "static", NULL};
static const char *const method_labels[] = {"from the network (DHCP)", "as said below", NULL};

static bool is_address(const char *text)
{
	unsigned char bytes[16];
	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static void check_address(const char *value, char *out, size_t size, const void *user)
{
	char address[80];
	int64_t bits;
	size_t length = strcspn(value, "/");

	(void)user;
	snprintf(address, sizeof(address), "%.*s", (int)length, value);
	if (value[0] &&
		(length >= sizeof(address) || !is_address(address) || value[length] != '/' ||
			tr_text_parse_int(
				value + length + 1, 1, strchr(address, ':') ? 128 : 32, &bits) < 0))
		snprintf(out, size, "An address with its network's bits, like 192.168.1.20/24.");
}

static void check_gateway(const char *value, char *out, size_t size, const void *user)
{
	(void)user;
	if (value[0] && !is_address(value))
		snprintf(out, size, "An address like 192.168.1.1.");
}

static void check_addresses(const char *value, char *out, size_t size, const void *user)
{
	static const char between[] = ", ";
	char one[80];

	(void)user;
	for (value += strspn(value, between); *value; value += strspn(value, between)) {
		size_t length = strcspn(value, between);
		snprintf(one, sizeof(one), "%.*s", (int)length, value);
		if (length >= sizeof(one) || !is_address(one)) {
			snprintf(out, size, "Addresses like 192.168.1.1, with commas between.");
			return;
		}
		value += length;
	}
}

static void check_proxy(const char *value, char *out, size_t size, const void *user)
{
	(void)user;
	if (value[0] && strncmp(value, "http://", 7) && strncmp(value, "https://", 8))
		snprintf(out, size, "An address like http://proxy.example.org:3128, or nothing.");
}

static const struct tr_field network_fields[] = {
	{.key = "network.interface",
		.name = "Interface",
		.hint = "The network card, as `ip link` calls it.",
		.kind = TR_FIELD_TEXT,
		.is_needed = true},
	{.key = "network.method",
		.name = "Address",
		.kind = TR_FIELD_CHOICE,
		.choices = method_choices,
		.labels = method_labels},
	{.key = "network.address",
		.name = "Address/bits",
		.hint = "Like 192.168.1.20/24. Who is connected over the network loses the connection.",
		.kind = TR_FIELD_TEXT,
		.check = check_address},
	{.key = "network.gateway",
		.name = "Gateway",
		.kind = TR_FIELD_TEXT,
		.check = check_gateway},
	{.key = "network.dns",
		.name = "Name servers",
		.kind = TR_FIELD_TEXT,
		.check = check_addresses},
	{.key = "network.vlan",
		.name = "VLAN",
		.hint = "1 to 4094, tagged; 0: none.",
		.kind = TR_FIELD_NUMBER,
		.least = 0,
		.most = 4094},
	{.key = "network.proxy",
		.name = "Proxy",
		.hint = "For the browser and for updates; empty: none.",
		.kind = TR_FIELD_TEXT,
		.check = check_proxy},
};

static void update_network(struct tr_form *form, bool is_brief)
{
	bool is_static = !strcmp(tr_form_value(form, "network.method"), "static");

	tr_form_show(form, "network.address", is_static);
	tr_form_show(form, "network.gateway", is_static);
	tr_form_show(form, "network.dns", is_static);
	tr_form_show(form, "network.vlan", !is_brief);
	tr_form_show(form, "network.proxy", !is_brief);
}

static bool check_network(struct tr_form *form, const json_t *settings, const char *entry)
{
	(void)settings, (void)entry;
	if (strcmp(tr_form_value(form, "network.method"), "static") != 0 ||
		tr_form_value(form, "network.address")[0])
		return true;
	tr_form_blame(form, "network.address", "This is needed without DHCP.");
	return false;
}

/* All of them together make the file. */
static json_t *collect_network(const struct tr_form *form, const json_t *settings,
	const char *entry, char note[TR_SETUP_NOTE_MAX])
{
	json_t *changes = json_object();

	(void)entry, (void)note;
	for (unsigned i = 0; tr_form_is_dirty(form, NULL) && i < TR_COUNT(network_fields); i++) {
		const struct tr_field *field = &network_fields[i];
		json_object_set_new(changes, field->key,
			tr_setup_values_json(field, tr_form_value(form, field->key),
				tr_setup_values_get(settings, field->key)));
	}
	return changes;
}

static void saved_network(
	struct tr_console *console, const char *note, tr_setup_done_fn *done, void *user)
{
	static const char *const argv[] = {"telerec", "machine", "test-network", NULL};
	const struct tr_output_request request = {
		.title = "Does the network work?",
		.what = "",
		.argv = argv,
		.done = done,
		.user = user,
	};

	(void)note;
	tr_console_push(console, &tr_screen_output, &request);
}

const struct tr_setup_page tr_setup_page_network = {
	.name = "Network",
	.title = "Network",
	.what = "How this machine is in the network.",
	.fields = network_fields,
	.count = TR_COUNT(network_fields),
	.is_machine = true,
	.refusal = "network.why",
	.update = update_network,
	.check = check_network,
	.collect = collect_network,
	.saved = saved_network,
};

/* ---- time ---- */

static void check_zone(const char *value, char *out, size_t size, const void *user)
{
	char path[300];

	(void)user;
	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.200s", value);
	if (strstr(value, "..") || value[0] == '/' || access(path, R_OK) < 0)
		snprintf(out, size,
			"There is no such time zone. Like Europe/Berlin, America/New_York or UTC.");
}

static const struct tr_field time_fields[] = {
	{.key = "time.zone",
		.name = "Time zone",
		.hint = "For clocks and file names: Europe/Berlin, America/New_York, UTC ...",
		.kind = TR_FIELD_TEXT,
		.is_needed = true,
		.check = check_zone},
	{.key = "time.servers",
		.name = "NTP servers",
		.hint = "Names with commas between; empty: as the system has it.",
		.kind = TR_FIELD_TEXT},
};

const struct tr_setup_page tr_setup_page_time = {
	.name = "Time",
	.title = "Time",
	.what = "The time zone, and who tells the time.",
	.fields = time_fields,
	.count = TR_COUNT(time_fields),
	.is_machine = true,
	.refusal = "time.why",
};

/* ---- keyboard ---- */

static void check_layout(const char *value, char *out, size_t size, const void *user)
{
	(void)user;
	if (value[strspn(value, "abcdefghijklmnopqrstuvwxyz")] || strlen(value) < 2 ||
		strlen(value) > 8)
		snprintf(out, size, "Small letters, like de, us, gb or fr.");
}

static const struct tr_field keyboard_fields[] = {
	{.key = "keyboard.layout",
		.name = "Keyboard's language",
		.hint = "us, gb, de, fr, es, it, ch, se ...",
		.kind = TR_FIELD_TEXT,
		.is_needed = true,
		.check = check_layout},
};

const struct tr_setup_page tr_setup_page_keyboard = {
	.name = "Keyboard",
	.title = "Keyboard",
	.what = "Of the keyboard that is plugged into this machine.",
	.fields = keyboard_fields,
	.count = TR_COUNT(keyboard_fields),
	.is_machine = true,
	.refusal = "keyboard.why",
};

/* ---- SSH ---- */

static void check_key(const char *value, char *out, size_t size, const void *user)
{
	static const char *const kinds[] = {"ssh-ed25519 ", "ssh-rsa ", "ecdsa-sha2-nistp",
		"sk-ssh-ed25519@openssh.com ", "sk-ecdsa-sha2-nistp256@openssh.com "};

	(void)user;
	for (size_t i = 0; i < TR_COUNT(kinds); i++)
		if (!strncmp(value, kinds[i], strlen(kinds[i])) && strlen(value) > 60)
			return;
	if (value[0])
		snprintf(out, size,
			"The line of a public key, as ~/.ssh/id_ed25519.pub has it: ssh-ed25519 AAAA...");
}

static const struct tr_field ssh_fields[] = {
	{.key = "ssh.user",
		.name = "User",
		.hint = "Whose login the key opens.",
		.kind = TR_FIELD_TEXT,
		.is_needed = true},
	{.key = "ssh.key",
		.name = "Public key",
		.hint = "One line, added to those that are there. Never a private key.",
		.kind = TR_FIELD_TEXT,
		.is_needed = true,
		.check = check_key},
};

static json_t *collect_ssh(const struct tr_form *form, const json_t *settings, const char *entry,
	char note[TR_SETUP_NOTE_MAX])
{
	(void)settings, (void)entry, (void)note;
	return json_pack("{s:s,s:s}", "ssh.user", tr_form_value(form, "ssh.user"), "ssh.key",
		tr_form_value(form, "ssh.key"));
}

const struct tr_setup_page tr_setup_page_ssh = {
	.name = "SSH key",
	.title = "SSH key",
	.what = "Who may log in over the network, by a public key.",
	.fields = ssh_fields,
	.count = TR_COUNT(ssh_fields),
	.is_machine = true,
	.refusal = "ssh.why",
	.collect = collect_ssh,
};

/* ---- PIN ---- */

static void check_pin(const char *value, char *out, size_t size, const void *user)
{
	(void)user;
	if (value[0] && strlen(value) < 4)
		snprintf(out, size, "At least four characters.");
}

static const struct tr_field pin_fields[] = {
	{.key = ".old", .name = "PIN until now", .kind = TR_FIELD_SECRET},
	{.key = "console.pin",
		.name = "PIN",
		.hint = "Digits, or a word. Empty: no PIN is asked for.",
		.kind = TR_FIELD_SECRET,
		.check = check_pin},
	{.key = ".again", .name = "Once more", .kind = TR_FIELD_SECRET},
};

static bool check_both(struct tr_form *form, const json_t *settings, const char *entry)
{
	(void)settings, (void)entry;
	if (!strcmp(tr_form_value(form, "console.pin"), tr_form_value(form, ".again")))
		return true;
	tr_form_blame(form, ".again", "This is not the same.");
	return false;
}

static json_t *collect_pin(const struct tr_form *form, const json_t *settings, const char *entry,
	char note[TR_SETUP_NOTE_MAX])
{
	bool has_pin = json_is_true(tr_setup_values_get(settings, "console.has_pin"));
	const char *pin = tr_form_value(form, "console.pin");

	(void)entry, (void)note;
	return pin[0] || has_pin ? json_pack("{s:s,s:s}", "console.pin", pin, "console.old_pin",
					   tr_form_value(form, ".old"))
				 : json_object();
}

static void fill_pin(struct tr_form *form, const json_t *settings, const char *entry)
{
	(void)entry;
	tr_form_show(form, ".old", json_is_true(tr_setup_values_get(settings, "console.has_pin")));
}

const struct tr_setup_page tr_setup_page_pin = {
	.name = "Console PIN",
	.title = "Console PIN",
	.what = "Asked before a shell is opened from this console.",
	.fields = pin_fields,
	.count = TR_COUNT(pin_fields),
	.is_machine = true,
	.fill = fill_pin,
	.check = check_both,
	.collect = collect_pin,
};
