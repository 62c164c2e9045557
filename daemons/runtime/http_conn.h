/* The open connections of a server: who they are, how long they may still take, and the thread that
 * ends those past their deadline.
 *
 * The server library waits for bytes without a limit on the whole, so a client that sends one byte
 * a second could hold a thread for ever. Shutting the reading side of the socket down from outside
 * ends any such wait at once. */
#ifndef RT_HTTP_CONN_H
#define RT_HTTP_CONN_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The list and each fd change under the lock; phase and deadline are set by the connection's own
 * thread on every request and only read by the watcher. */
enum http_phase { HTTP_PHASE_NONE, HTTP_PHASE_HEAD, HTTP_PHASE_HANDLE, HTTP_PHASE_WRITE };

struct http_conn {
    int fd; /* -1: no connection, or its socket is not known yet. */
    int fd_hint;
    char peer[48];
    atomic_int phase;
    _Atomic(int64_t) deadline_ms; /* Monotonic; 0: none. */
    atomic_bool expired;          /* The deadline passed and the socket was shut. */
    bool excess;                  /* One more than the peer's share of the threads. */
    bool dead;                    /* Nothing that still arrives may be acted on. */
    const char *start;            /* Where request lines begin in this connection's buffer. */
    struct http_conn *next;
};

struct http_conns {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t watcher;
    bool watching;
    bool ending;
    bool unblocking; /* Keep knocking at `port` so that the acceptor looks up. */
    int32_t port;
    struct in_addr address;
    int32_t share; /* Connections of one peer before further ones count as excess. */
    struct http_conn *first;
};

int http_conns_open(struct http_conns *conns, int32_t share);
void http_conns_close(struct http_conns *conns);
void http_conns_add(struct http_conns *conns, struct http_conn *conn);
void http_conns_remove(struct http_conns *conns, struct http_conn *conn);

/* The connection begins: find its socket among the process's descriptors by its two addresses. */
void http_conn_bind(struct http_conns *conns, struct http_conn *conn, const char *peer,
                    int peer_port, int local_port);
void http_conn_unbind(struct http_conns *conns, struct http_conn *conn);
void http_conn_phase(struct http_conn *conn, enum http_phase phase, int64_t deadline_ms);
bool http_conn_expired(struct http_conn *conn);
bool http_conn_is_gone(const struct http_conn *conn); /* The peer has ended the connection. */

/* Wait until the first bytes are there. False: refuse the connection; `*ret_status` 0 when there is
 * nobody to answer. */
bool http_conn_accept(const struct http_conn *conn, int64_t head_timeout_ms, int *ret_status);
/* End the connection so that what was sent still arrives; `unread` when input may be pending. */
void http_conn_finish(struct http_conn *conn, bool unread);

void http_conns_wake_waiting(struct http_conns *conns); /* End every wait for a request. */
void http_conns_unblock(struct http_conns *conns, struct in_addr address, int32_t port);

#endif
