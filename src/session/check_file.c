#include "session/check_file.h"

#include "storage/check.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_good(const struct tr_check *check)
{
	struct tr_grade grade;

	tr_grade_of(&check->quality, &grade);
	return grade.letter <= 'C';
}

int tr_check_file_run(int argc, char **argv)
{
	bool is_json = argc > 0 && !strcmp(argv[0], "--json");
	bool all_good = true;

	if (argc - is_json < 1) {
		fputs("--check needs a FILE\n", stderr);
		return 2;
	}
	for (int i = is_json; i < argc; i++) {
		struct tr_check check;
		bool is_judged = tr_check_file(AT_FDCWD, argv[i], true, &check) == 0;
		int rc = is_json ? tr_check_print_json(stdout, argv[i], &check)
				 : tr_check_print(stdout, argv[i], &check);
		all_good &= rc == 0 && is_judged && is_good(&check);
	}
	return all_good ? 0 : 1;
}
