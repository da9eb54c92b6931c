#include "test.h"

#include "console/form.h"
#include "console/form_text.h"
#include "console/setup_values.h"
#include "console/sticks.h"
#include "core/file.h"
#include "core/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct tr_form *form;

static void check_short(const char *value, char *out, size_t size, const void *user)
{
	if (strlen(value) > 3)
		snprintf(out, size, "At most three.");
}

static const char *const choices[] = {"a", "b", "c", NULL};
static const struct tr_field fields[] = {
	{.key = "note", .name = "A note", .kind = TR_FIELD_NOTE},
	{.key = "name",
		.name = "Name",
		.kind = TR_FIELD_TEXT,
		.is_needed = true,
		.check = check_short},
	{.key = "word", .name = "Word", .kind = TR_FIELD_SECRET},
	{.key = "count", .name = "Count", .kind = TR_FIELD_NUMBER, .least = 1, .most = 9},
	{.key = "is", .name = "Is", .kind = TR_FIELD_SWITCH},
	{.key = "which", .name = "Which", .kind = TR_FIELD_CHOICE, .choices = choices},
	{.key = "list", .name = "List", .kind = TR_FIELD_TEXT},
	{.key = ".own", .name = "Own", .kind = TR_FIELD_TEXT},
};

static int make_form(void **state)
{
	return tr_form_create(fields, TR_COUNT(fields), &form);
}

static int destroy_form(void **state)
{
	tr_form_destroy(form);
	return 0;
}

static enum tr_form_answer press(int key)
{
	return tr_form_key(NULL, form, key);
}

static void type(const char *text)
{
	while (*text)
		press(*text++);
}

/* ---- the text ---- */

static void a_character_is_put_in_and_taken_away_as_a_whole(void **state)
{
	char text[16] = "a";
	size_t cursor = 1;

	assert_true(tr_form_text_insert(text, sizeof(text), &cursor, 0xe9));
	assert_true(tr_form_text_insert(text, sizeof(text), &cursor, 0x20ac));
	assert_true(tr_form_text_insert(text, sizeof(text), &cursor, 0x1f600));
	assert_string_equal(text, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_int_equal(tr_form_text_count(text), 4);
	assert_true(tr_form_text_backspace(text, &cursor));
	assert_string_equal(text, "a\xc3\xa9\xe2\x82\xac");
	cursor = tr_form_text_left(text, tr_form_text_left(text, cursor));
	assert_true(tr_form_text_delete(text, cursor));
	assert_string_equal(text, "a\xe2\x82\xac");
	assert_false(tr_form_text_delete(text, strlen(text)));
}

static void a_full_text_takes_no_half_character(void **state)
{
	char text[4] = "ab";
	size_t cursor = 2;

	assert_false(tr_form_text_insert(text, sizeof(text), &cursor, 0x20ac));
	assert_true(tr_form_text_insert(text, sizeof(text), &cursor, 'c'));
	assert_false(tr_form_text_insert(text, sizeof(text), &cursor, 'd'));
	assert_string_equal(text, "abc");
}

static void control_characters_and_broken_bytes_are_no_text(void **state)
{
	char text[16] = "";
	size_t cursor = 0;

	assert_false(tr_form_text_insert(text, sizeof(text), &cursor, 0x1b));
	assert_false(tr_form_text_insert(text, sizeof(text), &cursor, 0x9b));
	assert_false(tr_form_text_insert(text, sizeof(text), &cursor, 0xd800));
	tr_form_text_copy(text, sizeof(text), "a\x1b[\xffz\xe2\x82");
	assert_string_equal(text, "a?[?z??");
	tr_form_text_copy(text, 4, "ab\xe2\x82\xac");
	assert_string_equal(text, "ab");
}

/* ---- the form ---- */

static void keys_move_over_what_can_be_filled_in(void **state)
{
	type("x");
	assert_string_equal(tr_form_value(form, "name"), "x");
	press(TR_KEY_TAB);
	type("y");
	assert_string_equal(tr_form_value(form, "word"), "y");
	tr_form_show(form, "count", false);
	press(TR_KEY_ENTER);
	press(' ');
	assert_string_equal(tr_form_value(form, "is"), "true");
	press(TR_KEY_BACK_TAB);
	type("z");
	assert_string_equal(tr_form_value(form, "word"), "yz");
	press(TR_KEY_UP);
	press(TR_KEY_UP); /* around: the button */
	assert_int_equal(press(TR_KEY_ENTER), TR_FORM_SAVE);
}

static void a_choice_goes_around(void **state)
{
	for (int i = 0; i < 4; i++)
		press(TR_KEY_DOWN);
	press(TR_KEY_LEFT);
	assert_string_equal(tr_form_value(form, "which"), "c");
	press(TR_KEY_RIGHT);
	press(TR_KEY_RIGHT);
	assert_string_equal(tr_form_value(form, "which"), "b");
}

static void nothing_faulty_is_saved(void **state)
{
	const int save = TR_KEY_F1 + 9;

	assert_int_equal(press(save), TR_FORM_TAKEN); /* the name is needed */
	type("abcd");
	assert_int_equal(press(save), TR_FORM_TAKEN);
	press(TR_KEY_BACKSPACE);
	assert_int_equal(press(save), TR_FORM_SAVE);
	tr_form_set(form, "count", "10");
	assert_false(tr_form_is_good(form));
	press(TR_KEY_BACKSPACE);
	assert_true(tr_form_is_good(form));
}

static void a_blame_goes_when_the_value_changes(void **state)
{
	tr_form_set(form, "name", "ab");
	tr_form_blame(form, "name", "Somebody has that.");
	assert_false(tr_form_is_good(form));
	press(TR_KEY_LEFT);
	assert_false(tr_form_is_good(form));
	type("c");
	assert_string_equal(tr_form_value(form, "name"), "acb");
	assert_true(tr_form_is_good(form));
}

static void only_what_differs_is_dirty(void **state)
{
	tr_form_set(form, "name", "ab");
	assert_false(tr_form_is_dirty(form, NULL));
	type("c");
	assert_true(tr_form_is_dirty(form, "name"));
	assert_false(tr_form_is_dirty(form, "word"));
	press(TR_KEY_BACKSPACE);
	assert_false(tr_form_is_dirty(form, NULL));
	type("c");
	tr_form_clean(form);
	assert_false(tr_form_is_dirty(form, NULL));
}

static void proposals_end_where_somebody_typed(void **state)
{
	tr_form_propose(form, "name", "one");
	assert_string_equal(tr_form_value(form, "name"), "one");
	tr_form_propose(form, "name", "two");
	press(TR_KEY_BACKSPACE);
	tr_form_propose(form, "name", "new");
	assert_string_equal(tr_form_value(form, "name"), "tw");
	tr_form_keep(form, "word");
	tr_form_propose(form, "word", "new");
	assert_string_equal(tr_form_value(form, "word"), "");
}

/* ---- settings ---- */

static void settings_fill_a_form_and_changes_come_back_typed(void **state)
{
	json_t *settings = json_loads("{\"name\": \"x\", \"word\": \"hidden\", \"count\": 3, "
				      "\"is\": false, \"which\": \"b\", \"list\": [\"p\", \"q\"]}",
		0, NULL);

	tr_setup_values_fill(fields, TR_COUNT(fields), form, settings);
	assert_string_equal(tr_form_value(form, "word"), ""); /* a secret is never filled in */
	assert_string_equal(tr_form_value(form, "list"), "p, q");
	assert_false(tr_form_is_dirty(form, NULL));
	type("y"); /* the name */
	for (int i = 0; i < 2; i++)
		press(TR_KEY_DOWN);
	type("\x15"
	     "7");
	press(TR_KEY_DOWN);
	press(' ');
	press(TR_KEY_DOWN);
	press(TR_KEY_DOWN);
	type(", r");
	press(TR_KEY_DOWN);
	type("mine");
	json_t *changes =
		tr_setup_values_collect(fields, TR_COUNT(fields), form, settings, "l[e].");
	char *text = json_dumps(changes, JSON_COMPACT);
	assert_string_equal(text,
		"{\"l[e].name\":\"xy\",\"l[e].count\":7,\"l[e].is\":true,\"l[e].list\":[\"p\",\"q\","
		"\"r\"]}");
	free(text);
	json_decref(changes);
	json_decref(settings);
}

static void an_entry_is_found_by_name_or_match(void **state)
{
	json_t *settings = json_loads("{\"a\": {\"l\": [{\"name\": \"x\"}, {\"match\": \"y\", "
				      "\"v\": 1}]}}",
		0, NULL);

	assert_int_equal(json_integer_value(
				 json_object_get(tr_setup_values_entry(settings, "a.l", "y"), "v")),
		1);
	assert_non_null(tr_setup_values_entry(settings, "a.l", "x"));
	assert_null(tr_setup_values_entry(settings, "a.l", "z"));
	assert_null(tr_setup_values_entry(settings, "b.l", "z"));
	json_decref(settings);
}

/* ---- sticks ---- */

static void put(const char *root, const char *path, const char *text)
{
	char whole[PATH_MAX], folder[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(whole, '/') - whole), whole);
	assert_int_equal(tr_file_make_folders(folder, 0755), 0);
	FILE *out = fopen(whole, "we");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void only_removable_and_writable_file_systems_are_sticks(void **state)
{
	char root[] = "/tmp/telerec-test.XXXXXX";
	struct tr_stick sticks[TR_STICKS_MAX];

	assert_non_null(mkdtemp(root));
	put(root, "/proc/self/mounts",
		"proc /proc proc rw 0 0\n/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /mnt/my\\040stick vfat rw 0 "
		"0\n/dev/sdc1 /mnt/cd iso9660 ro 0 0\n/dev/mmcblk0p1 /srv/card ext4 rw 0 0\n"
		"/dev/sdd1 /run/media/telerec/TELEREC-REC ext4 rw 0 0\n");
	put(root, "/sys/class/block/sda/removable", "0\n");
	put(root, "/sys/class/block/sdb/removable", "1\n");
	put(root, "/sys/class/block/sdc/removable", "1\n");
	put(root, "/sys/class/block/mmcblk0/removable", "1\n");
	assert_int_equal(tr_sticks_find(root, sticks), 3);
	assert_string_equal(sticks[0].folder, "/mnt/my stick");
	assert_string_equal(sticks[1].folder, "/srv/card");
	assert_string_equal(sticks[2].folder, "/run/media/telerec/TELEREC-REC");
	tr_file_remove_tree(root);
}

#define FORM_TEST(name) cmocka_unit_test_setup_teardown(name, make_form, destroy_form)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_character_is_put_in_and_taken_away_as_a_whole),
		cmocka_unit_test(a_full_text_takes_no_half_character),
		cmocka_unit_test(control_characters_and_broken_bytes_are_no_text),
		FORM_TEST(keys_move_over_what_can_be_filled_in),
		FORM_TEST(a_choice_goes_around),
		FORM_TEST(nothing_faulty_is_saved),
		FORM_TEST(a_blame_goes_when_the_value_changes),
		FORM_TEST(only_what_differs_is_dirty),
		FORM_TEST(proposals_end_where_somebody_typed),
		FORM_TEST(settings_fill_a_form_and_changes_come_back_typed),
		cmocka_unit_test(an_entry_is_found_by_name_or_match),
		cmocka_unit_test(only_removable_and_writable_file_systems_are_sticks),
	};
	return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
