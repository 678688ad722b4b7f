/* In place of zfs: `zfs send DATASET@held` writes a line and waits until /etc/go is there, which is in what the gate lets
 * zfs read; any other `zfs send` writes a line and ends. */
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **words) {
    const char line[] = "a stream\n";
    const struct timespec nap = {0, 20 * 1000 * 1000};
    const char *at = count > 1 ? strchr(words[count - 1], '@') : NULL;

    if (count < 2 || strcmp(words[1], "send") != 0)
        return 0;
    if (write(1, line, sizeof line - 1) < 0)
        return 1;
    while (at && strcmp(at, "@held") == 0 && access("/etc/go", F_OK) != 0)
        nanosleep(&nap, NULL);
    return 0;
}
