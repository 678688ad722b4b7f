/* The least that a forced command in front of zfs can be: it becomes the stub, whose path its first argument is. */
#include <unistd.h>

int main(int argc, char **argv)
{
	char *const environment[] = { "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };

	(void)argc;
	execve(argv[1], argv + 1, environment);
	return 127;
}
