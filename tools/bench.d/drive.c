/*
 * drive rounds ROUNDS FILE   starts each line of FILE in turn, ROUNDS times, and prints for each: name, median
 *                            microseconds from the start to the end of the process, its peak memory in KiB.
 * drive log SOCKET           is a syslog daemon that throws away what it reads.
 *
 * A line is NAME, REQUEST (what sshd puts into SSH_ORIGINAL_COMMAND; may be empty) and the words to execute, with tabs
 * between. Each round begins with another line, so that none always follows the same neighbour.
 *
 * Linked statically and small on purpose: posix_spawn shares this process's memory until the exec, and the kernel counts
 * that as the child's, so no peak below this program's own can be seen.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ARMS = 32, WORDS = 32 };

struct arm {
	char *name;
	char *argv[WORDS + 1];
	char *environment[4];
	float *micros;
	long peak;
};

static void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void *allocate(size_t size)
{
	void *memory = malloc(size);
	if (!memory)
		die("malloc");
	return memory;
}

static void read_arm(struct arm *arm, char *line, int rounds)
{
	char *request;
	int words = 0;

	line[strcspn(line, "\n")] = 0;
	arm->name = strsep(&line, "\t");
	request = strsep(&line, "\t");
	while (line && words < WORDS)
		arm->argv[words++] = strsep(&line, "\t");
	if (words == 0) {
		errno = EINVAL;
		die(arm->name);
	}
	arm->environment[0] = getenv("BENCH_PATH");
	arm->environment[1] = "SSH_CONNECTION=192.0.2.7 51022 192.0.2.1 22";
	if (*request && asprintf(&arm->environment[2], "SSH_ORIGINAL_COMMAND=%s", request) < 0)
		die("asprintf");
	arm->micros = allocate(sizeof(float) * (size_t)rounds);
}

static int expected; /* the status that is no failure */

static float start_and_wait(struct arm *arm, posix_spawn_file_actions_t *files)
{
	struct timespec from, to;
	struct rusage usage;
	pid_t child;
	int status;

	clock_gettime(CLOCK_MONOTONIC, &from);
	errno = posix_spawn(&child, arm->argv[0], files, NULL, arm->argv, arm->environment);
	if (errno)
		die(arm->argv[0]);
	if (wait4(child, &status, 0, &usage) < 0)
		die("wait4");
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != expected) {
		fprintf(stderr, "bench: %s: ended with %#x\n", arm->name, status);
		exit(2);
	}
	if (usage.ru_maxrss > arm->peak)
		arm->peak = usage.ru_maxrss;
	return (float)(to.tv_sec - from.tv_sec) * 1e6f + (float)(to.tv_nsec - from.tv_nsec) / 1e3f;
}

static int ascending(const void *left, const void *right)
{
	float a = *(const float *)left, b = *(const float *)right;
	return (a > b) - (a < b);
}

static int run(int rounds, const char *path)
{
	static struct arm arms[ARMS];
	static char *lines[ARMS];
	size_t size;
	int count = 0;
	posix_spawn_file_actions_t files;
	const char *status = getenv("BENCH_STATUS");
	FILE *file = fopen(path, "r");

	if (!file)
		die(path);
	expected = status ? atoi(status) : 0;
	while (count < ARMS && (size = 0, getline(&lines[count], &size, file) > 0)) {
		read_arm(&arms[count], lines[count], rounds);
		count++;
	}
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	for (int i = 0; i < count; i++)
		start_and_wait(&arms[i], &files); /* once for the page cache */
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < count; i++) {
			struct arm *arm = &arms[(round + i) % count];
			arm->micros[round] = start_and_wait(arm, &files);
		}
	for (int i = 0; i < count; i++) {
		qsort(arms[i].micros, (size_t)rounds, sizeof(float), ascending);
		printf("%s\t%.1f\t%ld\n", arms[i].name, (double)arms[i].micros[rounds / 2], arms[i].peak);
	}
	return 0;
}

static int take_log(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char record[16 << 10];
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || chmod(path, 0666) < 0)
		die(path);
	while (recv(fd, record, sizeof record, 0) >= 0)
		;
	die("recv");
	return 2;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "rounds") == 0 && atoi(argv[2]) > 0)
		return run(atoi(argv[2]), argv[3]);
	if (argc == 3 && strcmp(argv[1], "log") == 0)
		return take_log(argv[2]);
	fputs("usage: drive rounds ROUNDS FILE | drive log SOCKET\n", stderr);
	return 2;
}
