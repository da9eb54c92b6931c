/*
 * Configurations of Jibri's as they are found on real hosts (tests/cli/import/NAME), imported: what
 * is written and what is said about it is compared with NAME/expected. TR_IMPORT_UPDATE=1 writes
 * the expectations anew; read the difference before it is committed.
 */
#include "test.h"

#include "cli/import_show.h"
#include "core/file.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT_MAX (1 << 20)
#define HEAD "# head\n"

static const struct seed {
	const char *name;
	const char *file; /* NULL: only variables */
	const char *env;
	bool passes; /* telerecd's check */
} seeds[] = {
	{"debian", "jibri.conf", NULL, true},
	{"docker_conf", "jibri.conf", NULL, true},
	{"docker_env", NULL, "env", true},
	{"nordeck", "jibri.conf", NULL, true},
	{"many_servers", "jibri.conf", NULL, true},
	{"private_ca", "jibri.conf", NULL, true},
	{"vaapi", "jibri.conf", NULL, true},
	{"streaming", "jibri.conf", NULL, true},
	{"sip", "jibri.conf", NULL, true},
	{"old_json", "config.json", NULL, true},
	{"variables", "jibri.conf", "env", true},
	{"includes", "jibri.conf", NULL, true},
	{"appended", "jibri.conf", NULL, true},
	{"odd_passwords", "jibri.conf", NULL, true},
	{"empty", "jibri.conf", NULL, true},
	{"wrong", "jibri.conf", NULL, false},
};

static char folder[] = "/tmp/telerec-import.XXXXXX";

static const char *path_of(char *out, const struct seed *seed, const char *file)
{
	const char *source = getenv("TR_SOURCE_DIR");

	if (!file)
		return NULL;
	snprintf(out, PATH_MAX, "%.3000s/tests/cli/import/%s/%s", source ? source : "..",
		seed->name, file);
	return out;
}

static char *read_text(const char *path)
{
	char *text;
	size_t size;

	return tr_file_read(AT_FDCWD, path, TEXT_MAX, &text, &size) < 0 ? strdup("") : text;
}

static bool is_updating(void)
{
	return getenv("TR_IMPORT_UPDATE") != NULL;
}

static void compare(const struct seed *seed, const char *name, const char *text)
{
	char path[PATH_MAX], shown[80];

	snprintf(shown, sizeof(shown), "expected/%.60s", name);
	path_of(path, seed, shown);
	if (is_updating()) {
		char *slash = strrchr(path, '/');
		*slash = '\0';
		assert_int_equal(tr_file_make_folders(path, 0755), 0);
		int fd = open(path, O_RDONLY | O_DIRECTORY);
		assert_int_equal(tr_file_replace(fd, name, text, strlen(text)), 0);
		assert_int_equal(fchmodat(fd, name, 0644, 0), 0);
		close(fd);
		return;
	}
	char *expected = read_text(path);
	if (strcmp(expected, text) != 0)
		print_error("%s differs:\n%s\n", path, text);
	assert_string_equal(expected, text);
	free(expected);
}

/* Passwords of secrets.conf must be nowhere else; what is between its quotes behind "password". */
static void assert_no_secret(const char *secrets, const char *text)
{
	const char *mark = "password = \"";
	char word[200];

	for (const char *at = secrets; (at = strstr(at, mark)) != NULL;) {
		at += strlen(mark);
		snprintf(word, sizeof(word), "%.*s", (int)strcspn(at, "\n") - 2, at);
		if (strlen(word) > 5 && strstr(text, word))
			fail_msg("the password %s is told", word);
	}
}

static void free_string(char **text)
{
	free(*text);
}

/* The files that were written, under the names that the result tells. */
static void compare_files(
	const struct seed *seed, const struct tr_import_result *result, const char *shown)
{
	TR_CLEANUP(free_string) char *config = read_text(result->config_path);
	TR_CLEANUP(free_string) char *secrets = read_text(result->secrets_path);
	struct stat st;

	assert_int_equal(stat(result->config_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	compare(seed, "telerec.conf", config);
	compare(seed, "secrets.conf", secrets);
	assert_no_secret(secrets, config);
	assert_no_secret(secrets, shown);
	assert_int_equal(stat(result->secrets_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* What was complained about, without the folder's name. */
static void add_complaints(FILE *out, const struct tr_import_result *result, const char *to)
{
	size_t length = strlen(to) + 1;

	for (unsigned i = 0; i < result->complaints.count; i++)
		fprintf(out, "complaint: %s\n", result->complaints.lines[i] + length);
	for (unsigned i = 0; i < result->complaints.warning_count; i++)
		fprintf(out, "warning: %s\n", result->complaints.warnings[i] + length);
}

static void import(const struct seed *seed)
{
	char path[PATH_MAX], env[PATH_MAX], to[PATH_MAX], problem[800];
	struct tr_import_result *result = calloc(1, sizeof(*result));
	struct tr_import_source source;
	struct tr_import_plan plan;
	char *shown;
	size_t size;

	int rc = tr_import_read(path_of(path, seed, seed->file), path_of(env, seed, seed->env),
		&source, problem, sizeof(problem));
	if (rc < 0)
		fail_msg("%s: %s", seed->name, problem);
	assert_int_equal(tr_import_plan_make(&source, &plan), 0);
	tr_import_source_clear(&source);
	snprintf(to, sizeof(to), "%s/%s", folder, seed->name);
	assert_int_equal(tr_import_write(&plan, to, HEAD, false, result), 0);

	FILE *out = open_memstream(&shown, &size);
	tr_import_show_table(out, &plan);
	add_complaints(out, result, to);
	fclose(out);
	compare(seed, "table", shown);
	compare_files(seed, result, shown);
	assert_int_equal(result->complaints.count == 0, seed->passes);
	free(shown);
	tr_import_plan_clear(&plan);
	free(result);
}

static void real_configurations_are_carried_over_and_pass_the_check(void **state)
{
	for (size_t i = 0; i < TR_COUNT(seeds); i++)
		import(&seeds[i]);
}

static int make_folder(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	return tr_file_remove_tree(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_configurations_are_carried_over_and_pass_the_check),
	};

	if (system("ruby -e 'require \"hocon\"' 2>/dev/null") != 0) {
		puts("skipped: ruby-hocon is not installed");
		return 77;
	}
	unsetenv("CREDENTIALS_DIRECTORY");
	return cmocka_run_group_tests_name("import_seeds", tests, make_folder, remove_folder);
}
