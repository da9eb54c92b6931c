#include "system/grub.h"

#include "system/grub_lexer.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 32

struct parser {
	struct tr_grub_menu *menu;
	int blocks[DEPTH_MAX]; /* the entry that each open '{' belongs to, or -1 */
	unsigned depth;	       /* may be more than the table holds */
	const char *title, *id;
	enum { OPENS_NOTHING, OPENS_ENTRY, OPENS_SUBMENU } opens; /* what the last command was */
};

/* The entry whose block we are in; -1 at the top. */
static int current(const struct parser *parser)
{
	for (unsigned i = parser->depth < DEPTH_MAX ? parser->depth : DEPTH_MAX; i > 0; i--)
		if (parser->blocks[i - 1] >= 0)
			return parser->blocks[i - 1];
	return -1;
}

static unsigned count_children(const struct tr_grub_menu *menu, int parent)
{
	unsigned count = 0;

	for (unsigned i = 0; i < menu->count; i++)
		count += menu->entries[i].parent == parent;
	return count;
}

static bool takes_argument(const char *option)
{
	static const char *const options[] = {"--class", "--users", "--hotkey", "--source"};

	for (size_t i = 0; i < TR_COUNT(options); i++)
		if (!strcmp(option, options[i]))
			return true;
	return false;
}

/* menuentry "TITLE" [--class C] [--id ID]...: $menuentry_id_option is "--id" in every GRUB of
 * today. */
static void read_entry_words(struct parser *parser, char **words, unsigned count)
{
	parser->title = parser->id = NULL;
	for (unsigned i = 1; i < count; i++) {
		bool has_next = i + 1 < count;
		if (!strncmp(words[i], "--id=", 5))
			parser->id = words[i] + 5;
		else if (!strcmp(words[i], "--id") || !strcmp(words[i], "$menuentry_id_option") ||
			 !strcmp(words[i], "${menuentry_id_option}"))
			parser->id = has_next ? words[++i] : NULL;
		else if (takes_argument(words[i]))
			i++;
		else if (strncmp(words[i], "--", 2) != 0 && !parser->title)
			parser->title = words[i];
	}
}

/* Compares as GRUB does: up to a single '>', with ">>" for one in the name. Where the part ends. */
static const char *match(const char *name, const char *choice)
{
	for (;; name++, choice++) {
		bool is_separator = choice[0] == '>' && choice[1] != '>';
		if (is_separator || !choice[0])
			return *name ? NULL : choice;
		if (choice[0] == '>')
			choice++;
		if (*name != *choice)
			return NULL;
	}
}

static const struct tr_grub_entry *find_part(
	const struct tr_grub_menu *menu, int parent, const char *choice, const char **ret_rest)
{
	bool is_number = isdigit((unsigned char)choice[0]);
	char *rest = NULL;
	unsigned long number = is_number ? strtoul(choice, &rest, 0) : 0;

	for (unsigned i = 0; i < menu->count; i++) {
		const struct tr_grub_entry *entry = &menu->entries[i];
		const char *end = rest;
		if (entry->parent != parent || (is_number && entry->position != number))
			continue;
		if (!is_number && !(end = match(entry->title, choice)))
			end = match(entry->id, choice);
		if (end) {
			*ret_rest = end;
			return entry;
		}
	}
	return NULL;
}

/* A name as part of a path. */
static char *escape(const char *name)
{
	char *part = malloc(2 * strlen(name) + 1), *to = part;

	for (; part && *name; name++) {
		*to++ = *name;
		if (*name == '>')
			*to++ = '>';
	}
	if (part)
		*to = '\0';
	return part;
}

/* By its number, where the name would be read as one, or is an earlier entry's too. */
static char *write_part(const struct tr_grub_menu *menu, const struct tr_grub_entry *entry)
{
	TR_CLEANUP(tr_freep) char *part = escape(entry->id);
	const char *rest;
	char *number;

	if (!part)
		return NULL;
	if (part[0] && part[0] != '>' && !isdigit((unsigned char)part[0]) &&
		find_part(menu, entry->parent, part, &rest) == entry)
		return tr_take(part);
	return asprintf(&number, "%u", entry->position) < 0 ? NULL : number;
}

static int write_path(const struct tr_grub_menu *menu, struct tr_grub_entry *entry)
{
	TR_CLEANUP(tr_freep) char *part = write_part(menu, entry);

	if (!part)
		return -ENOMEM;
	if (entry->parent < 0) {
		entry->path = tr_take(part);
		return 0;
	}
	const char *above = menu->entries[entry->parent].path;
	if (asprintf(&entry->path, "%s>%s", above, part) < 0) {
		entry->path = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int add_entry(struct parser *parser)
{
	struct tr_grub_menu *menu = parser->menu;
	const char *title = parser->title ? parser->title : "";

	if (menu->count >= TR_GRUB_ENTRIES_MAX)
		return -E2BIG;
	if (menu->count % 64 == 0) {
		void *more = realloc(menu->entries, (menu->count + 64) * sizeof(*menu->entries));
		if (!more)
			return -ENOMEM;
		menu->entries = more;
	}
	int parent = current(parser);
	struct tr_grub_entry *entry = &menu->entries[menu->count];
	*entry = (struct tr_grub_entry){
		.title = strdup(title),
		.id = strdup(parser->id && parser->id[0] ? parser->id : title),
		.image = strdup(""),
		.is_submenu = parser->opens == OPENS_SUBMENU,
		.parent = parent,
		.position = count_children(menu, parent),
	};
	menu->count++;
	entry->version = entry->image;
	if (!entry->title || !entry->id || !entry->image)
		return -ENOMEM;
	entry->is_recovery = strstr(entry->id, "-recovery-") != NULL;
	return write_path(menu, entry);
}

static const char *find_version(const char *image)
{
	static const char *const starts[] = {"vmlinuz-", "vmlinux-", "kernel-", "bzImage-"};
	const char *name = strrchr(image, '/');

	name = name ? name + 1 : image;
	for (size_t i = 0; i < TR_COUNT(starts); i++)
		if (!strncmp(name, starts[i], strlen(starts[i])))
			return name + strlen(starts[i]);
	return image + strlen(image);
}

/* linux /boot/vmlinuz-VERSION ARGUMENT...: of two (an "if" around them), the first counts. */
static int note_image(struct parser *parser, char **words, unsigned count)
{
	int index = current(parser);

	if (index < 0 || count < 2)
		return 0;
	struct tr_grub_entry *entry = &parser->menu->entries[index];
	if (entry->is_submenu || entry->image[0])
		return 0;
	/* "($root)/boot/vmlinuz" and "(hd0,1)/vmlinuz" name a device before the path. */
	const char *path = words[1];
	const char *end = path[0] == '(' ? strchr(path, ')') : NULL;
	char *image = strdup(end ? end + 1 : path);
	if (!image)
		return -ENOMEM;
	free(entry->image);
	entry->image = image;
	entry->version = find_version(image);
	for (unsigned i = 2; i < count; i++)
		entry->is_recovery = entry->is_recovery || !strcmp(words[i], "single") ||
				     !strcmp(words[i], "recovery");
	return 0;
}

static int note_default(struct tr_grub_menu *menu, const char *word)
{
	const char *value = word + strlen("default=");

	if (!strcmp(value, "${next_entry}") || !strcmp(value, "$next_entry")) {
		menu->knows_next = true;
		return 0;
	}
	char *chosen = strdup(value);
	if (!chosen)
		return -ENOMEM;
	free(menu->chosen);
	menu->chosen = chosen;
	return 0;
}

static bool is_keyword(const char *word)
{
	return !strcmp(word, "then") || !strcmp(word, "else") || !strcmp(word, "do") ||
	       !strcmp(word, "!");
}

static int take_command(struct parser *parser, char **words, unsigned count)
{
	parser->opens = OPENS_NOTHING;
	while (count > 0 && is_keyword(words[0]))
		words++, count--;
	if (count == 0)
		return 0;
	const char *name = words[0];
	if (!strcmp(name, "set") && count > 1)
		name = words[1];
	if (!strncmp(name, "default=", strlen("default=")))
		return current(parser) < 0 ? note_default(parser->menu, name) : 0;
	if (!strcmp(name, "load_env"))
		parser->menu->saves_nothing = false;
	if (!strcmp(name, "blscfg"))
		parser->menu->is_bls = true;
	if (!strcmp(name, "linux") || !strcmp(name, "linux16") || !strcmp(name, "linuxefi"))
		return note_image(parser, words, count);
	if (!strcmp(name, "menuentry") || !strcmp(name, "submenu")) {
		read_entry_words(parser, words, count);
		parser->opens = !parser->title	 ? OPENS_NOTHING
				: name[0] == 's' ? OPENS_SUBMENU
						 : OPENS_ENTRY;
	}
	return 0;
}

static int open_block(struct parser *parser)
{
	bool is_entry = parser->opens != OPENS_NOTHING;
	int rc = is_entry ? add_entry(parser) : 0;

	if (rc < 0)
		return rc;
	if (parser->depth < DEPTH_MAX)
		parser->blocks[parser->depth] = is_entry ? (int)parser->menu->count - 1 : -1;
	parser->depth++;
	return 0;
}

static int parse(struct parser *parser, struct tr_grub_lexer *lexer)
{
	enum tr_grub_end end;
	int rc = 0;

	do {
		end = tr_grub_lexer_next(lexer);
		rc = take_command(parser, lexer->words, lexer->count);
		if (rc == 0 && end == TR_GRUB_OPEN)
			rc = open_block(parser);
		if (end == TR_GRUB_CLOSE && parser->depth > 0)
			parser->depth--;
	} while (rc == 0 && end != TR_GRUB_NO_MORE);
	return rc;
}

int tr_grub_parse(const char *text, struct tr_grub_menu *ret_menu)
{
	struct parser parser = {.menu = ret_menu};
	struct tr_grub_lexer lexer;

	*ret_menu = (struct tr_grub_menu){.chosen = strdup(""), .saves_nothing = true};
	if (!ret_menu->chosen)
		return -ENOMEM;
	int rc = tr_grub_lexer_begin(&lexer, text);
	if (rc == 0)
		rc = parse(&parser, &lexer);
	tr_grub_lexer_end(&lexer);
	if (rc < 0)
		tr_grub_menu_release(ret_menu);
	return rc;
}

void tr_grub_menu_release(struct tr_grub_menu *menu)
{
	for (unsigned i = 0; i < menu->count; i++) {
		free(menu->entries[i].title);
		free(menu->entries[i].id);
		free(menu->entries[i].path);
		free(menu->entries[i].image);
	}
	free(menu->entries);
	free(menu->chosen);
	*menu = (struct tr_grub_menu){0};
}

static const struct tr_grub_entry *find_path(const struct tr_grub_menu *menu, const char *choice)
{
	const struct tr_grub_entry *entry = NULL;
	int parent = -1;

	for (;;) {
		const char *rest = "";
		entry = find_part(menu, parent, choice, &rest);
		if (!entry || *rest != '>')
			return entry;
		parent = (int)(entry - menu->entries);
		choice = rest + 1;
	}
}

const struct tr_grub_entry *tr_grub_find(const struct tr_grub_menu *menu, const char *choice)
{
	const char *rest;

	if (choice[0] && find_part(menu, -1, choice, &rest))
		return find_path(menu, choice);
	return menu->count > 0 ? &menu->entries[0] : NULL;
}

bool tr_grub_names(const struct tr_grub_menu *menu, const char *choice)
{
	const struct tr_grub_entry *entry = choice[0] ? find_path(menu, choice) : NULL;

	return entry && !entry->is_submenu;
}

const struct tr_grub_entry *tr_grub_find_version(
	const struct tr_grub_menu *menu, const char *version)
{
	const struct tr_grub_entry *found = NULL;

	/* One in a submenu names its kernel; "simple" entries at the top change theirs. */
	for (unsigned i = 0; i < menu->count; i++) {
		const struct tr_grub_entry *entry = &menu->entries[i];
		if (entry->is_submenu || entry->is_recovery || strcmp(entry->version, version) != 0)
			continue;
		if (!found || (found->parent < 0 && entry->parent >= 0))
			found = entry;
	}
	return found;
}

const char *tr_grub_default(const struct tr_grub_menu *menu, const char *saved)
{
	bool is_saved =
		!strcmp(menu->chosen, "${saved_entry}") || !strcmp(menu->chosen, "$saved_entry");

	return is_saved ? saved : menu->chosen;
}
