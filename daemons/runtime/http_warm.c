#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "runtime/http_internal.h"

#define WARM_MS 1000
#define MAX_SOCKETS 256 /* More threads than this warm up as they go. */

static int dial(const struct rt_http_server *server)
{
    static const char request[] = "GET " HTTP_WARM_PATH " HTTP/1.0\r\nHost: self\r\n\r\n";
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)server->port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    to.sin_addr = server->address;
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
        send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == (ssize_t)sizeof request - 1)
        return fd;
    (void)close(fd);
    return -1;
}

void http_warm_up(struct rt_http_server *server)
{
    struct http_warming *warming = &server->warming;
    int sockets[MAX_SOCKETS];
    int32_t n = 0;

    warming->expected = server->n_threads < MAX_SOCKETS ? server->n_threads : MAX_SOCKETS;
    atomic_store(&warming->on, true);
    while (n < warming->expected && (sockets[n] = dial(server)) >= 0)
        n++;
    for (int32_t i = 0; i < n; i++) {
        struct pollfd pfd = { .fd = sockets[i], .events = POLLIN };

        (void)poll(&pfd, 1, 2 * WARM_MS);
        (void)close(sockets[i]);
    }
    atomic_store(&warming->on, false);
}

void http_warm_arrive(struct rt_http_server *server)
{
    struct http_warming *warming = &server->warming;
    struct timespec until;
    int r = 0;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WARM_MS / 1000;
    (void)pthread_mutex_lock(&warming->lock);
    warming->arrived++;
    (void)pthread_cond_broadcast(&warming->all);
    while (warming->arrived < warming->expected && r == 0)
        r = pthread_cond_timedwait(&warming->all, &warming->lock, &until);
    (void)pthread_mutex_unlock(&warming->lock);
}
