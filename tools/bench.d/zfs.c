/* Stands in for zfs: `zfs send DATASET@N` writes N GiB, anything else does nothing. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char block[128 << 10]; /* as large as a record of a dataset with the default recordsize */

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "send") != 0)
		return 0;
	const char *at = strchr(argv[argc - 1], '@');
	unsigned long long left = at ? strtoull(at + 1, NULL, 10) << 30 : 0;

	memset(block, 'z', sizeof block);
	while (left > 0) {
		ssize_t written = write(1, block, sizeof block);
		if (written <= 0)
			return 1;
		left -= (unsigned long long)written;
	}
	return 0;
}
