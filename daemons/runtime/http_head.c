/* What makes two servers disagree about where a request ends is refused here: the library parses the
 * head in place, turning separators into NULs, and is lenient about several of them. The layout it
 * leaves behind shows which separators were really there. */
#include <string.h>
#include <strings.h>

#include "runtime/http_internal.h"

const char *http_head_get(const struct http_head *head, const char *name)
{
    for (size_t i = 0; i < head->n_headers; i++) {
        if (strcasecmp(head->headers[i].name, name) == 0)
            return head->headers[i].value;
    }
    return NULL;
}

size_t http_head_count(const struct http_head *head, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < head->n_headers; i++)
        n += strcasecmp(head->headers[i].name, name) == 0;
    return n;
}

static int refuse(const char **why, const char *text)
{
    *why = text;
    return 400;
}

/* RFC 9110 5.6.2. */
static bool is_token(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++) {
        bool alnum = (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'z') ||
                     (*text >= 'A' && *text <= 'Z');

        if (!alnum && !strchr("!#$%&'*+-.^_`|~", *text))
            return false;
    }
    return true;
}

/* A line that ended in CR LF left two NULs; the next one starts right after them. A lone LF leaves
 * one. */
static const char *after_line(const char *text)
{
    const char *end = text + strlen(text);

    return end[1] == '\0' ? end + 2 : NULL;
}

static int check_request_line(const struct http_head *head, const char **why)
{
    const char *uri_end =
        head->query ? head->query + strlen(head->query) : head->uri + strlen(head->uri);
    const char *next = after_line(head->version);

    if (head->uri != head->method + strlen(head->method) + 1 ||
        head->version != uri_end + 1 + strlen("HTTP/"))
        return refuse(why, "The request line is not three words with one space between them.");
    if (head->n_headers > 0 && next != head->headers[0].name)
        return refuse(why, "The first header line does not follow the request line.");
    return 0;
}

static int check_header(const struct http_header *header, const char **why)
{
    const char *end = header->name + strlen(header->name);

    if (!is_token(header->name))
        return refuse(why, "A header name has characters that a name may not have.");
    /* A space before the colon became one NUL more in front of the value. */
    if (end[1] == '\0' && header->value > end + 1)
        return refuse(why, "A header name is followed by a space.");
    return 0;
}

/* The parser stops silently at a folded line and after 64 headers; what follows would be lost. */
static int check_header_lines(const struct http_head *head, const char *limit, const char **why)
{
    for (size_t i = 0; i < head->n_headers; i++) {
        const struct http_header *header = &head->headers[i];
        const char *next = after_line(header->value);
        int status = check_header(header, why);

        if (status != 0)
            return status;
        if (!next || next + 1 >= limit)
            return refuse(why, "A header line does not end in CR LF.");
        if (i + 1 < head->n_headers) {
            if (next != head->headers[i + 1].name)
                return refuse(why, "A header line does not end in CR LF.");
        } else if (next[0] != '\r' || next[1] != '\0') {
            if (head->n_headers < HTTP_MAX_HEADERS)
                return refuse(why, "A header line is folded or does not end in CR LF.");
            *why = "The request has more than 64 header lines.";
            return 431;
        }
    }
    return 0;
}

static int parse_length(const char *text, int64_t *ret)
{
    int64_t value = 0;
    size_t n = strlen(text);

    if (n == 0 || n > 18)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        value = value * 10 + (*text - '0');
    }
    *ret = value;
    return 0;
}

static int check_framing(const struct http_head *head, struct http_framing *ret, const char **why)
{
    const char *encoding = http_head_get(head, "Transfer-Encoding");
    const char *length = http_head_get(head, "Content-Length");

    ret->content_length = 0;
    if (encoding && length)
        return refuse(why, "Both Content-Length and Transfer-Encoding are given.");
    if (http_head_count(head, "Content-Length") > 1 ||
        http_head_count(head, "Transfer-Encoding") > 1)
        return refuse(why, "A header that frames the body is given twice.");
    if (encoding) {
        if (strcasecmp(encoding, "chunked") != 0 || strcmp(head->version, "1.1") != 0)
            return refuse(why, "The only transfer encoding here is chunked, in HTTP/1.1.");
        ret->content_length = -1;
    }
    if (length && parse_length(length, &ret->content_length) != 0)
        return refuse(why, "Content-Length is not a number of bytes.");
    return 0;
}

static bool has_option(const char *list, const char *option)
{
    size_t len = strlen(option);

    while (*list) {
        size_t n = strcspn(list, ", ");

        if (n == len && strncasecmp(list, option, len) == 0)
            return true;
        list += n;
        list += strspn(list, ", ");
    }
    return false;
}

/* As the library decides for itself, so that the answer announces what will happen. */
static bool wants_keep_alive(const struct http_head *head)
{
    const char *connection = http_head_get(head, "Connection");

    if (connection)
        return has_option(connection, "keep-alive") && !has_option(connection, "close");
    return strcmp(head->version, "1.1") == 0;
}

int http_head_check(const struct http_head *head, const char *limit, struct http_framing *ret,
                    const char **why)
{
    const char *expect = http_head_get(head, "Expect");
    bool v11 = strcmp(head->version, "1.1") == 0;
    size_t n_hosts = http_head_count(head, "Host");
    int status = check_request_line(head, why);

    if (status == 0)
        status = check_header_lines(head, limit, why);
    if (status == 0)
        status = check_framing(head, ret, why);
    if (status != 0)
        return status;
    if (n_hosts > 1 || (v11 && n_hosts == 0))
        return refuse(why, "Exactly one Host header is expected.");
    if (expect && strcasecmp(expect, "100-continue") != 0) {
        *why = "The only expectation understood is 100-continue.";
        return 417;
    }
    ret->expect_continue = expect != NULL && v11;
    ret->keep_alive = wants_keep_alive(head);
    return 0;
}
