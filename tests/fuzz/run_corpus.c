/* SPDX-License-Identifier: MIT */
/* Runs each file of the given directories through a fuzz target once, and prints TAP. */

#include "base/cleanup.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int
run_file(int directory, const char *name, FILE *file)
{
	enum { MAX = 4 << 20 };
	auto_free uint8_t *bytes = malloc(MAX);
	size_t size;

	(void)directory;
	if (bytes == NULL)
		return -1;
	size = fread(bytes, 1, MAX, file);
	{
		/* An exact allocation, so that the sanitizer sees a read past the end. */
		auto_free uint8_t *exact = malloc(size != 0 ? size : 1);

		if (exact == NULL)
			return -1;
		memcpy(exact, bytes, size);
		(void)fprintf(stderr, "# %s\n", name);
		return LLVMFuzzerTestOneInput(exact, size);
	}
}

int
main(int argc, char **argv)
{
	int count = 0, failed = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		struct dirent *entry;

		if (dir == NULL) {
			perror(argv[i]);
			return 1;
		}
		while ((entry = readdir(dir)) != NULL) {
			auto_free char *path = NULL;
			FILE *file;

			if (entry->d_name[0] == '.' ||
			    asprintf(&path, "%s/%s", argv[i], entry->d_name) < 0)
				continue;
			file = fopen(path, "rb");
			if (file == NULL || run_file(dirfd(dir), entry->d_name, file) != 0)
				failed++;
			if (file != NULL)
				(void)fclose(file);
			count++;
		}
		(void)closedir(dir);
	}
	(void)printf("1..1\n%s 1 - %d inputs\n", failed == 0 && count > 0 ? "ok" : "not ok", count);
	return failed == 0 && count > 0 ? 0 : 1;
}
