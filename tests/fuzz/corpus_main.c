/* Runs a fuzz entry over the files of a folder. */
#include "core/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	unsigned count = 0;

	if (!dir)
		return 1;
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		char *data;
		size_t size;
		if (entry->d_name[0] == '.' ||
			tr_file_read(dirfd(dir), entry->d_name, 1 << 20, &data, &size) < 0)
			continue;
		LLVMFuzzerTestOneInput((const uint8_t *)data, size);
		free(data);
		count++;
	}
	closedir(dir);
	printf("%u inputs\n", count);
	return count == 0;
}
