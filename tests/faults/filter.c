/* In place of a filter. What it has begun and done it says on standard error, since it can write no file. Slow to end, so
 * that one that isn't waited for is seen; or, as compiled, with work for a minute, for ever, or for a thousand bytes. */
#include <string.h>
#include <unistd.h>

static int says(const char *text) { return write(2, text, strlen(text)) < 0; }

int main(void)
{
    static char buffer[65536];
    ssize_t got, most = sizeof buffer;
    says("mbuffer: begun\n");
#ifdef STUCK
    sleep(60);
#endif
#ifdef BUSY
    for (volatile int busy = 1; busy;)
        ;
#endif
#ifdef BRIEF
    most = 1000;
#endif
    while ((got = read(0, buffer, most)) > 0) {
        for (ssize_t done = 0, put; done < got; done += put)
            if ((put = write(1, buffer + done, got - done)) < 0)
                return 1;
#ifdef BRIEF
        return 0;
#endif
    }
    usleep(30000);
    return got < 0 ? 1 : says("mbuffer: buffered\n");
}
