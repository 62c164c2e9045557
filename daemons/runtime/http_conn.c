#include "runtime/http_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <segs/error.h>

#include "runtime/clock.h"

#define WATCH_TICK_MS 50
#define KNOCK_TICK_MS 10
#define MAX_DESCRIPTORS 65536

/* How long a connection beyond its peer's share may take to show a whole head. */
#define EXCESS_WAIT_MS 50

#define LINGER_MS 500
#define EXCESS_LINGER_MS 20
#define LINGER_BYTES (64 * 1024)
#define PEEK_BYTES 16384

/* ---- The watcher ---- */

static void expire(struct http_conn *conn, int64_t now_ms)
{
    int64_t deadline_ms = atomic_load(&conn->deadline_ms);
    int phase = atomic_load(&conn->phase);

    if (conn->fd < 0 || deadline_ms == 0 || now_ms < deadline_ms)
        return;
    /* Unless the thread has moved on in this moment. */
    if (!atomic_compare_exchange_strong(&conn->deadline_ms, &deadline_ms, 0))
        return;
    atomic_store(&conn->expired, true);
    (void)shutdown(conn->fd, phase == HTTP_PHASE_WRITE ? SHUT_RDWR : SHUT_RD);
}

/* The acceptor looks at its stop flag only between waits of up to 2 s; a connection ends the wait. */
static void knock(const struct http_conns *conns)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)conns->port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return;
    to.sin_addr = conns->address;
    (void)connect(fd, (const struct sockaddr *)&to, sizeof to);
    (void)close(fd);
}

static void *watch(void *user)
{
    struct http_conns *conns = user;

    (void)pthread_mutex_lock(&conns->lock);
    while (!conns->ending) {
        struct timespec until;
        long tick_ms = conns->unblocking ? KNOCK_TICK_MS : WATCH_TICK_MS;
        int64_t now_ms = rt_monotonic_ms();

        for (struct http_conn *c = conns->first; c; c = c->next)
            expire(c, now_ms);
        if (conns->unblocking)
            knock(conns);
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += tick_ms * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000L;
        }
        (void)pthread_cond_timedwait(&conns->wake, &conns->lock, &until);
    }
    (void)pthread_mutex_unlock(&conns->lock);
    return NULL;
}

int http_conns_open(struct http_conns *conns, int32_t share)
{
    pthread_condattr_t attr;

    *conns = (struct http_conns){ .share = share };
    (void)pthread_mutex_init(&conns->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&conns->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    if (pthread_create(&conns->watcher, NULL, watch, conns) != 0) {
        (void)pthread_cond_destroy(&conns->wake);
        (void)pthread_mutex_destroy(&conns->lock);
        return SEGS_EINTERNAL;
    }
    conns->watching = true;
    return 0;
}

void http_conns_close(struct http_conns *conns)
{
    if (!conns->watching)
        return;
    (void)pthread_mutex_lock(&conns->lock);
    conns->ending = true;
    (void)pthread_cond_signal(&conns->wake);
    (void)pthread_mutex_unlock(&conns->lock);
    (void)pthread_join(conns->watcher, NULL);
    (void)pthread_cond_destroy(&conns->wake);
    (void)pthread_mutex_destroy(&conns->lock);
    conns->watching = false;
}

void http_conns_add(struct http_conns *conns, struct http_conn *conn)
{
    conn->fd = -1;
    conn->fd_hint = -1;
    (void)pthread_mutex_lock(&conns->lock);
    conn->next = conns->first;
    conns->first = conn;
    (void)pthread_mutex_unlock(&conns->lock);
}

void http_conns_remove(struct http_conns *conns, struct http_conn *conn)
{
    (void)pthread_mutex_lock(&conns->lock);
    for (struct http_conn **at = &conns->first; *at; at = &(*at)->next) {
        if (*at == conn) {
            *at = conn->next;
            break;
        }
    }
    (void)pthread_mutex_unlock(&conns->lock);
}

void http_conns_wake_waiting(struct http_conns *conns)
{
    (void)pthread_mutex_lock(&conns->lock);
    for (struct http_conn *c = conns->first; c; c = c->next) {
        if (c->fd >= 0 && atomic_load(&c->phase) == HTTP_PHASE_HEAD)
            (void)shutdown(c->fd, SHUT_RD);
    }
    (void)pthread_mutex_unlock(&conns->lock);
}

void http_conns_unblock(struct http_conns *conns, struct in_addr address, int32_t port)
{
    (void)pthread_mutex_lock(&conns->lock);
    conns->unblocking = true;
    conns->port = port;
    conns->address = address;
    (void)pthread_cond_signal(&conns->wake);
    (void)pthread_mutex_unlock(&conns->lock);
}

/* ---- One connection ---- */

static int port_of(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET
               ? ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port)
               : -1;
}

/* The four values of a TCP connection belong to one socket only, so a match is the right one. */
static bool is_socket_of(int fd, const char *peer, int peer_port, int local_port)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char text[INET_ADDRSTRLEN];

    if (getpeername(fd, (struct sockaddr *)&address, &len) != 0 || port_of(&address) != peer_port)
        return false;
    if (!inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)&address)->sin_addr, text,
                   sizeof text) ||
        strcmp(text, peer) != 0)
        return false;
    len = sizeof address;
    return getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
           port_of(&address) == local_port;
}

static int find_socket(int hint, const char *peer, int peer_port, int local_port)
{
    long limit = sysconf(_SC_OPEN_MAX);

    if (hint >= 0 && is_socket_of(hint, peer, peer_port, local_port))
        return hint;
    if (limit < 0 || limit > MAX_DESCRIPTORS)
        limit = MAX_DESCRIPTORS;
    for (int fd = 0; fd < limit; fd++) {
        if (is_socket_of(fd, peer, peer_port, local_port))
            return fd;
    }
    return -1;
}

static int32_t count_peer(const struct http_conns *conns, const char *peer)
{
    int32_t n = 0;

    for (const struct http_conn *c = conns->first; c; c = c->next)
        n += c->fd >= 0 && strcmp(c->peer, peer) == 0;
    return n;
}

void http_conn_bind(struct http_conns *conns, struct http_conn *conn, const char *peer,
                    int peer_port, int local_port)
{
    int fd = find_socket(conn->fd_hint, peer, peer_port, local_port);
    size_t len = strlen(peer);

    if (len >= sizeof conn->peer)
        len = sizeof conn->peer - 1;
    (void)pthread_mutex_lock(&conns->lock);
    memcpy(conn->peer, peer, len);
    conn->peer[len] = '\0';
    conn->excess = count_peer(conns, conn->peer) >= conns->share;
    conn->fd = fd;
    conn->fd_hint = fd;
    atomic_store(&conn->expired, false);
    conn->dead = false;
    conn->start = NULL;
    (void)pthread_mutex_unlock(&conns->lock);
}

void http_conn_unbind(struct http_conns *conns, struct http_conn *conn)
{
    (void)pthread_mutex_lock(&conns->lock);
    conn->fd = -1;
    http_conn_phase(conn, HTTP_PHASE_NONE, 0);
    (void)pthread_mutex_unlock(&conns->lock);
}

void http_conn_phase(struct http_conn *conn, enum http_phase phase, int64_t deadline_ms)
{
    atomic_store(&conn->phase, (int)phase);
    atomic_store(&conn->deadline_ms, deadline_ms);
}

bool http_conn_expired(struct http_conn *conn)
{
    return atomic_load(&conn->expired);
}

static bool wait_readable(int fd, int64_t timeout_ms)
{
    struct pollfd pfd = { .fd = fd, .events = POLLIN };
    int n;

    do {
        n = poll(&pfd, 1, (int)timeout_ms);
    } while (n < 0 && errno == EINTR);
    return n > 0;
}

bool http_conn_is_gone(const struct http_conn *conn)
{
    char byte;

    if (conn->fd < 0 || !wait_readable(conn->fd, 0))
        return false;
    return recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

static bool ends_head(const char *data, size_t len)
{
    for (size_t i = 3; i < len; i++) {
        if (data[i] == '\n' && data[i - 1] == '\r' && data[i - 2] == '\n' && data[i - 3] == '\r')
            return true;
    }
    return false;
}

/* A peer that already has its share of the threads may use more of them only with a request that is
 * there to be served, not one still to come. */
static bool accept_excess(const struct http_conn *conn)
{
    char head[PEEK_BYTES];
    ssize_t n;

    if (!wait_readable(conn->fd, EXCESS_WAIT_MS))
        return false;
    n = recv(conn->fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
    return n > 0 && ends_head(head, (size_t)n);
}

bool http_conn_accept(const struct http_conn *conn, int64_t head_timeout_ms, int *ret_status)
{
    char first;

    *ret_status = 0;
    if (conn->excess && !accept_excess(conn)) {
        *ret_status = 503;
        return false;
    }
    /* A method starts with a letter. Anything else, an empty line included, is refused here,
     * because the parser underneath loses count of what it skips before a request line. */
    if (!wait_readable(conn->fd, head_timeout_ms) ||
        recv(conn->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1)
        return false;
    if (first < 'A' || first > 'Z') {
        *ret_status = 400;
        return false;
    }
    return true;
}

void http_conn_finish(struct http_conn *conn, bool unread)
{
    int64_t until_ms = rt_monotonic_ms() + (conn->excess ? EXCESS_LINGER_MS : LINGER_MS);
    char waste[4096];
    size_t total = 0;

    conn->dead = true;
    if (conn->fd < 0)
        return;
    (void)shutdown(conn->fd, SHUT_WR);
    /* Closing with bytes unread makes the kernel send a reset, which can overtake the answer. */
    while (unread && total < LINGER_BYTES) {
        int64_t left_ms = until_ms - rt_monotonic_ms();
        ssize_t n;

        if (left_ms <= 0 || !wait_readable(conn->fd, left_ms))
            break;
        n = recv(conn->fd, waste, sizeof waste, MSG_DONTWAIT);
        if (n <= 0)
            break;
        total += (size_t)n;
    }
    (void)shutdown(conn->fd, SHUT_RD);
}
