/* Requests per second of the HTTP server on one machine, clients included: GET of a few bytes, and
 * POST of a 500-reading batch whose body is read and thrown away.
 *
 * usage: bench_http [connections [seconds]] */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/http.h"
#include "runtime/metrics.h"

#define N_READINGS 500
#define MAX_CONNECTIONS 48

static const char reading[] =
    "{\"meter_id\":\"MTR-00000001\",\"timestamp\":\"2026-01-15T14:30:00.000Z\",\"power_kw\":2.35,"
    "\"energy_kwh\":0.006528,\"voltage\":230.5,\"current\":10.2,\"power_factor\":0.98,"
    "\"frequency\":50.0,\"temperature\":31.5,\"region\":\"Mumbai-North\",\"seq\":17,"
    "\"status\":\"OK\"}";

struct load {
    struct rt_http_server *server;
    const char *request;
    size_t len;
    atomic_bool on;
};

struct client {
    struct load *load;
    pthread_t thread;
    uint64_t n_done;
    int64_t slowest_us;
};

static void on_get(struct rt_http_exchange *x, void *user)
{
    (void)user;
    rt_http_respond(x, 200, "text/plain", "ok", 2);
}

static void on_post(struct rt_http_exchange *x, void *user)
{
    const char *data;
    size_t len;

    (void)user;
    if (rt_http_body(x, &data, &len) == 0)
        rt_http_respond(x, 200, "text/plain", "ok", 2);
}

static const struct rt_http_route routes[] = {
    { .method = "GET", .path = "/get", .handler = on_get },
    { .method = "POST", .path = "/post", .handler = on_post, .max_body = 1 << 20 },
    { .method = NULL },
};

static int dial(const struct rt_http_server *server)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)rt_http_port(server)) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        perror("connect");
        exit(EXIT_FAILURE);
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static bool exchange(int fd, const struct load *load)
{
    char answer[2048];
    size_t sent = 0;
    ssize_t n;

    while (sent < load->len) {
        n = send(fd, load->request + sent, load->len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    n = recv(fd, answer, sizeof answer, 0); /* The whole answer is one small piece. */
    return n > 12 && memcmp(answer + 9, "200", 3) == 0;
}

static void *run_client(void *user)
{
    struct client *client = user;
    int fd = dial(client->load->server);

    while (atomic_load(&client->load->on)) {
        int64_t begun_us = rt_monotonic_us();

        if (!exchange(fd, client->load)) {
            (void)close(fd);
            fd = dial(client->load->server);
            continue;
        }
        client->n_done++;
        if (rt_monotonic_us() - begun_us > client->slowest_us)
            client->slowest_us = rt_monotonic_us() - begun_us;
    }
    (void)close(fd);
    return NULL;
}

static void measure(const char *what, struct load *load, int n_connections, int seconds)
{
    static struct client clients[MAX_CONNECTIONS];
    int64_t begun_us = rt_monotonic_us();
    int64_t slowest_us = 0;
    uint64_t n = 0;
    double took_s;

    atomic_store(&load->on, true);
    for (int i = 0; i < n_connections; i++) {
        clients[i] = (struct client){ .load = load };
        if (pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) != 0)
            exit(EXIT_FAILURE);
    }
    rt_sleep_ms((int64_t)seconds * 1000);
    atomic_store(&load->on, false);
    for (int i = 0; i < n_connections; i++) {
        (void)pthread_join(clients[i].thread, NULL);
        n += clients[i].n_done;
        if (clients[i].slowest_us > slowest_us)
            slowest_us = clients[i].slowest_us;
    }
    took_s = (double)(rt_monotonic_us() - begun_us) / 1e6;
    printf("%-22s %10.0f requests/s %9.1f MB/s in, slowest %.1f ms\n", what, (double)n / took_s,
           (double)n * (double)load->len / took_s / 1e6, (double)slowest_us / 1e3);
}

static char *make_post(size_t *ret_len)
{
    size_t body_len = N_READINGS * sizeof reading + 1;
    char *text = malloc(body_len + 256);
    int n;

    if (!text)
        exit(EXIT_FAILURE);
    n = snprintf(text, 256, "POST /post HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n[",
                 body_len);
    for (int i = 0; i < N_READINGS; i++) {
        memcpy(text + n, reading, sizeof reading - 1);
        n += (int)sizeof reading - 1;
        text[n++] = i + 1 < N_READINGS ? ',' : ']';
    }
    *ret_len = (size_t)n;
    return text;
}

int main(int argc, char **argv)
{
    static const char get[] = "GET /get HTTP/1.1\r\nHost: h\r\n\r\n";
    int n_connections = argc > 1 ? atoi(argv[1]) : 8;
    int seconds = argc > 2 ? atoi(argv[2]) : 3;
    struct rt_http_options options = {
        .service = "bench", .bind = "127.0.0.1", .routes = routes, .metrics = rt_metrics_new()
    };
    struct segs_error err = { 0 };
    struct load load = { .request = get, .len = sizeof get - 1 };
    char *post;

    if (n_connections < 1 || n_connections > MAX_CONNECTIONS || seconds < 1) {
        fprintf(stderr, "usage: bench_http [connections 1..%d [seconds]]\n", MAX_CONNECTIONS);
        return EXIT_FAILURE;
    }
    if (rt_http_start(&options, &load.server, &err) != 0) {
        fprintf(stderr, "%s\n", err.message);
        return EXIT_FAILURE;
    }
    measure("GET", &load, n_connections, seconds);
    post = make_post(&load.len);
    load.request = post;
    printf("(POST of %zu bytes)\n", load.len);
    measure("POST 500 readings", &load, n_connections, seconds);
    rt_http_stop(load.server);
    rt_metrics_free(options.metrics);
    free(post);
    return EXIT_SUCCESS;
}
