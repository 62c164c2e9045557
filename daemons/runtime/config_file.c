/* KEY=value files and secrets' files. */
#include "runtime/config_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/errors.h"

#define MAX_FILE_BYTES (1024 * 1024)
#define MAX_SECRET_BYTES (64 * 1024)

/* Read a whole regular file, NUL-terminated. SEGS_ENOTFOUND, SEGS_EDENIED (everybody may read or
 * write it, and `is_secret`), SEGS_EFULL, SEGS_ESYNTAX (a NUL in it), SEGS_EINTERNAL. */
static int read_open(int fd, const char *field, const char *path, size_t max, bool is_secret,
                     char **ret, struct segs_error *reterr)
{
    struct stat st;
    size_t len = 0;
    char *data;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return rt_fail(reterr, SEGS_EINVAL, field, "expected a regular file: %s", path);
    if (is_secret && (st.st_mode & (S_IROTH | S_IWOTH)))
        return rt_fail(reterr, SEGS_EDENIED, field,
                       "expected a file that only its owner or group may read, found mode %04o: %s",
                       (unsigned)(st.st_mode & 07777), path);
    data = malloc(max + 1);
    if (!data)
        return rt_fail(reterr, SEGS_ENOMEM, field, "no memory to read %s", path);
    while (len < max + 1) {
        ssize_t n = read(fd, data + len, max + 1 - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            free(data);
            return rt_fail(reterr, SEGS_EINTERNAL, field, "cannot read %s: %s", path,
                           strerror(errno));
        }
        if (n == 0)
            break;
        len += (size_t)n;
    }
    if (len > max || memchr(data, '\0', len)) {
        free(data);
        return len > max
                   ? rt_fail(reterr, SEGS_EFULL, field, "expected at most %zu bytes in %s", max,
                             path)
                   : rt_fail(reterr, SEGS_ESYNTAX, field, "expected text, found a NUL in %s", path);
    }
    data[len] = '\0';
    *ret = data;
    return 0;
}

static int read_whole(const char *field, const char *path, size_t max, bool is_secret, char **ret,
                      struct segs_error *reterr)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int r;

    if (fd < 0)
        return rt_fail(reterr, errno == ENOENT ? SEGS_ENOTFOUND : SEGS_EDENIED, field,
                       "cannot open %s: %s", path, strerror(errno));
    r = read_open(fd, field, path, max, is_secret, ret, reterr);
    (void)close(fd);
    return r;
}

int rt_config_read_secret(const char *name, const char *path, char **ret, struct segs_error *reterr)
{
    size_t len;
    char *text;
    int r = read_whole(name, path, MAX_SECRET_BYTES, true, &text, reterr);

    if (r < 0)
        return r;
    len = strlen(text);
    if (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    if (len > 0 && text[len - 1] == '\r')
        text[--len] = '\0';
    *ret = text;
    return 0;
}

/* ---- KEY=value ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char *skip_blanks(char *p)
{
    while (is_blank(*p))
        p++;
    return p;
}

static void cut_blanks(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && is_blank(text[len - 1]))
        text[--len] = '\0';
}

/* Behind the key at p, p itself when there is none. */
static char *skip_key(char *p)
{
    if (*p >= '0' && *p <= '9')
        return p;
    while ((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ||
           *p == '_')
        p++;
    return p;
}

/* Undo the quotes in place: *value begins with one. */
static int unquote(char **value, const char *key, struct segs_error *reterr)
{
    char quote = **value;
    char *from = *value + 1;
    char *to = from;
    char *start = from;

    for (; *from && *from != quote; from++) {
        if (quote == '"' && *from == '\\') {
            from++;
            if (*from != '"' && *from != '\\' && *from != '$' && *from != 'n')
                return rt_fail(reterr, SEGS_ESYNTAX, key,
                               "expected \\\", \\\\, \\$ or \\n after a backslash in \"...\"");
            *to++ = *from == 'n' ? '\n' : *from;
        } else {
            *to++ = *from;
        }
    }
    if (*from != quote)
        return rt_fail(reterr, SEGS_ESYNTAX, key, "expected a closing %c", quote);
    if (*skip_blanks(from + 1))
        return rt_fail(reterr, SEGS_ESYNTAX, key, "expected nothing after the closing %c", quote);
    *to = '\0';
    *value = start;
    return 0;
}

/* Split one line in place. *ret_key stays NULL for a line without one. */
static int split_line(char *line, char **ret_key, char **ret_value, struct segs_error *reterr)
{
    char *key = skip_blanks(line);
    char *end;
    char *value;

    if (!*key || *key == '#')
        return 0;
    if (strncmp(key, "export", 6) == 0 && is_blank(key[6]))
        key = skip_blanks(key + 6);
    end = skip_key(key);
    if (end == key || *end != '=')
        return rt_fail(reterr, SEGS_ESYNTAX, NULL, "expected KEY=value");
    *end = '\0';
    value = skip_blanks(end + 1);
    if (*value == '"' || *value == '\'') {
        int r = unquote(&value, key, reterr);

        if (r < 0)
            return r;
    } else {
        if (strstr(value, " #") || strstr(value, "\t#"))
            return rt_fail(reterr, SEGS_ESYNTAX, key,
                           "expected quotes around a value that holds \" #\"");
        cut_blanks(value);
    }
    *ret_key = key;
    *ret_value = value;
    return 0;
}

int rt_config_read_file(const char *path, rt_config_pair_fn *fn, void *user,
                        struct segs_error *reterr)
{
    int64_t number = 0;
    char *text;
    char *line;
    int r = read_whole(NULL, path, MAX_FILE_BYTES, false, &text, reterr);

    if (r < 0)
        return r;
    line = text;
    while (line && r == 0) {
        char *end = strchr(line, '\n');
        char *key = NULL;
        char *value = NULL;

        number++;
        if (end) {
            *end = '\0';
            if (end > line && end[-1] == '\r')
                end[-1] = '\0';
        }
        r = split_line(line, &key, &value, reterr);
        if (r == 0 && key)
            r = fn(key, value, number, user, reterr);
        if (r < 0 && reterr)
            reterr->line = number;
        line = end ? end + 1 : NULL;
    }
    free(text);
    return r;
}
