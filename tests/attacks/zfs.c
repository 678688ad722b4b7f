/* In place of zfs: the host of facts.toml. Answers what the gate asks before it decides, and starts nothing for it. */
#include <stdio.h>
#include <string.h>

static int begins(const char *text, const char *with) { return !strncmp(text, with, strlen(with)); }

static int ends(const char *text, const char *with)
{
    size_t length = strlen(text), least = strlen(with);
    return length >= least && !strcmp(text + length - least, with);
}

/* Whether two words follow each other. */
static int has(char **words, const char *first, const char *second)
{
    for (; words[0] && words[1]; words++)
        if (!strcmp(words[0], first) && !strcmp(words[1], second))
            return 1;
    return 0;
}

/* Of each dataset each property that is asked for, and none of them is set: ... -- PROPERTY,... DATASET... */
static void properties(char **words)
{
    while (*words && strcmp(*words, "--"))
        words++;
    if (!words[0] || !words[1])
        return;
    for (char **dataset = words + 2; *dataset; dataset++)
        for (const char *name = words[1]; *name;) {
            size_t length = strcspn(name, ",");
            printf("%s\t%.*s\t-\n", *dataset, (int)length, name);
            name += length + (name[length] == ',');
        }
}

static void snapshots(const char *dataset, long guid)
{
    static const char *names[] = {
        "a", "b", "important", "hourly", "daily", "syncoid_a", "syncoid_b", "syncoid_t", "syncoid_z", "zz",
    };
    for (long number = 0; number < (long)(sizeof names / sizeof *names); number++)
        printf("%s@%s\t%ld\t%ld\t%ld\t0\t-\n", dataset, names[number], guid + number, 100 + number,
               1793491200 + number * 86400);
}

int main(int count, char **words)
{
    const char *last = words[count - 1];
    long guid = begins(last, "backup/") ? 3000 : ends(last, "/enc") ? 2000 : 1000;
    if (count < 2)
        return 0;
    if (!strcmp(words[1], "get") && has(words, "-o", "name,property,value"))
        properties(words);
    else if (!strcmp(words[1], "get"))
        puts(ends(last, "/enc") ? "aes-256-gcm" : "off");
    else if (!strcmp(words[1], "list") && has(words, "-t", "snapshot"))
        snapshots(last, guid);
    else if (!strcmp(words[1], "list") && has(words, "-t", "bookmark"))
        printf("%s#b1\t%ld\n", last, guid);
    else if (!strcmp(words[1], "list"))
        puts(last);
    return 0;
}
