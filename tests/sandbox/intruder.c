/* Stands in for a filter, or for zfs, that somebody has taken over. Without orders it is an honest filter: it copies.
 * A stream that begins with "orders" holds one order a line; it tries each and says how that ended: the name of the
 * order and the error's number, 0 where it could. As zfs it does what the name of a snapshot says, and as `without` it
 * runs a command on a kernel that lacks some system calls. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static long opens(const char *path, int how)
{
    int descriptor = open(path, how, 0600);
    return descriptor < 0 ? -1 : close(descriptor);
}

static long executes(char *path)
{
    /* So that what comes next finds the rest of the orders, and knows that there are some. */
    char *words[] = {path, "--orders", NULL};
    return execve(path, words, environ);
}

static long talks(int family, const struct sockaddr *to, socklen_t length)
{
    int descriptor = socket(family, SOCK_STREAM, 0);
    if (descriptor < 0)
        return -1;
    return connect(descriptor, to, length);
}

static long talks_to_host(const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return talks(AF_INET, (struct sockaddr *)&to, sizeof to);
}

static long talks_to_daemon(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    return talks(AF_UNIX, (struct sockaddr *)&to, sizeof to);
}

/* To the log: zfs that is confined can write no file. */
static int reports(const char *text)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    int descriptor = socket(AF_UNIX, SOCK_DGRAM, 0);
    return sendto(descriptor, text, strlen(text), 0, (struct sockaddr *)&to, sizeof to) < 0;
}

static long reaped(long child)
{
    if (child == 0)
        _exit(0);
    return child < 0 ? -1 : waitpid(child, NULL, 0);
}

static void *idle(void *nothing) { return nothing; }

static long threads(void)
{
    pthread_t thread;
    errno = pthread_create(&thread, NULL, idle, NULL);
    return errno ? -1 : pthread_join(thread, NULL);
}

static long survives(int signal)
{
    struct sigaction ignored = {.sa_handler = SIG_IGN};
    sigaction(signal, &ignored, NULL);
    return raise(signal) ? -1 : kill(getpid(), signal);
}

static long capabilities(void)
{
    struct { unsigned version; int process; } header = {0x20080522, 0};
    struct { unsigned effective, permitted, inheritable; } sets[2];
    if (syscall(SYS_capget, &header, sets))
        return -1;
    return sets[0].effective | sets[0].permitted | sets[0].inheritable | sets[1].effective | sets[1].permitted;
}

static long raises_limit(int resource)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    return setrlimit(resource, &limit);
}

static long limit(int resource)
{
    struct rlimit limit;
    return getrlimit(resource, &limit) ? -1 : (long)limit.rlim_max;
}

static long reserves(const char *bytes)
{
    size_t length = strtoul(bytes, NULL, 10);
    void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? -1 : munmap(memory, length);
}

static long calls(const char *number)
{
    /* No call does anything with these, but for those that take no arguments. */
    return syscall(atol(number), -1, -1, -1, -1, -1, -1);
}

/* getpid(2) of i386 */
static long calls_otherwise(void)
{
#ifdef __x86_64__
    long result = 20;
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
    return result;
#else
    return 0;
#endif
}

static void obey(char *order)
{
    char *about = strchr(order, ' ');
    long result = -1;
    int value = 0;
    if (about)
        *about++ = 0;
    errno = 0;
#define ORDER(name) else if (!strcmp(order, name))
    if (!*order)
        return;
    ORDER("read") result = opens(about, O_RDONLY);
    ORDER("write") result = opens(about, O_WRONLY | O_CREAT);
    ORDER("update") result = opens(about, O_RDWR);
    ORDER("empty") result = opens(about, O_RDONLY | O_TRUNC);
    ORDER("remove") result = unlink(about);
    ORDER("chmod") result = chmod(about, 0666);
    ORDER("exec") result = executes(about);
    ORDER("tcp") result = talks_to_host(about);
    ORDER("unix") result = talks_to_daemon(about);
    ORDER("fork") result = reaped(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    ORDER("fork3") result = reaped(fork());
    ORDER("namespace") result = unshare(CLONE_NEWUSER);
    ORDER("thread") result = threads();
    ORDER("trace") result = syscall(SYS_ptrace, 0x4206 /* PTRACE_SEIZE, which stops nobody */, getppid(), 0, 0);
    ORDER("kill") result = kill(getppid(), 0);
    ORDER("tgkill") result = syscall(SYS_tgkill, getppid(), getppid(), 0);
    ORDER("killpg") result = kill(0, 0);
    ORDER("raise") result = survives(SIGUSR1);
    ORDER("setsid") result = getpgrp() == getpid() ? setpgid(0, 0) : setsid();
    ORDER("memfd") result = syscall(SYS_memfd_create, "x", 0);
    ORDER("unlimited") result = raises_limit(RLIMIT_AS);
    ORDER("reserve") result = reserves(about);
    ORDER("call") result = calls(about);
    ORDER("other") result = calls_otherwise();
    ORDER("memory") value = 1, result = limit(RLIMIT_AS);
    ORDER("descriptors") value = 1, result = limit(RLIMIT_NOFILE);
    ORDER("capabilities") value = 1, result = capabilities();
    ORDER("no_new_privs") value = 1, result = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    ORDER("seccomp") value = 1, result = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
    ORDER("quit") exit(atoi(about));
    ORDER("environment")
    {
        for (char **variable = environ; *variable; variable++)
            dprintf(1, "environment %s\n", *variable);
        return;
    }
    else errno = ENOSYS;
    if (value)
        dprintf(1, "%s %ld\n", order, result);
    else
        dprintf(1, "%s%s%s %d\n", order, about ? " " : "", about ? about : "", result < 0 ? errno : 0);
}

/* Byte by byte: a program that takes our place reads on where we have stopped. */
static int line(char *text, size_t size)
{
    size_t length = 0;
    while (length + 1 < size && read(0, text + length, 1) == 1) {
        if (text[length] == '\n') {
            text[length] = 0;
            return 1;
        }
        length++;
    }
    text[length] = 0;
    return 0;
}

static int copy(const char *head, size_t length)
{
    static char buffer[65536];
    ssize_t got;
    if (write(1, head, length) < 0)
        return 1;
    while ((got = read(0, buffer, sizeof buffer)) > 0)
        for (ssize_t done = 0, put; done < got; done += put)
            if ((put = write(1, buffer + done, got - done)) < 0)
                return 1;
    return got != 0;
}

static int obey_all(void)
{
    char text[4096];
    while (line(text, sizeof text))
        obey(text);
    return 0;
}

static int zfs(int count, char **words)
{
    const char *name = strstr(words[count - 1], "@syncoid_");
    static char zeros[3000000];
    /* Asked by the gate it leaves a file, where it can. */
    if (!strcmp(words[1], "get"))
        return opens("/tmp/asked", O_WRONLY | O_CREAT), puts("off") < 0;
    name = name ? name + strlen("@syncoid_") : "";
    if (!strncmp(name, "exit", 4))
        return atoi(name + 4);
    if (!strncmp(name, "say", 3))
        return dprintf(1, "out %s\n", name) < 0 || dprintf(2, "err %s\n", name) < 0;
    if (!strcmp(name, "report"))
        return reports("zfs ran");
    if (!strcmp(name, "data"))
        return write(1, zeros, sizeof zeros) != sizeof zeros;
    while (!strcmp(name, "endless"))
        if (write(1, zeros, sizeof zeros) < 0)
            return 1;
    if (!strcmp(name, "stuck"))
        return sleep(60);
    /* Orders for this program, or for the one that its stream goes to. */
    if (dup2(open("/etc/orders", O_RDONLY), 0) < 0)
        return 99;
    if (!strcmp(name, "hand"))
        return copy("", 0);
    return obey_all();
}

/* without NUMBER... -- COMMAND... */
static int without(char **words)
{
    for (; *words && strcmp(*words, "--"); words++) {
        struct sock_filter filter[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, atoi(*words), 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
        /* The number of seccomp(2) may be among them: prctl(2) can it too. */
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
            return 98;
    }
    return *words ? execvp(words[1], words + 1) : 98;
}

int main(int count, char **words)
{
    char text[7];
    ssize_t length;
    if (strstr(words[0], "/without"))
        return without(words + 1);
    if (!strcmp(words[0], "zfs") && count > 1)
        return zfs(count, words);
    if (count < 2 || strcmp(words[1], "--orders")) {
        length = read(0, text, 7);
        if (length != 7 || memcmp(text, "orders\n", 7))
            return copy(text, length < 0 ? 0 : length);
    }
    return obey_all();
}
