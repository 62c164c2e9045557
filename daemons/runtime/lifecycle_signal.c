/* Signals write into a pipe that the main thread waits on: nothing else is safe in a handler. */
#include "runtime/lifecycle_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static const int stop_signals[] = { SIGTERM, SIGINT };
#define N_STOP_SIGNALS (sizeof stop_signals / sizeof stop_signals[0])

/* The process's; changed by rt_run's thread alone, read by handlers. */
static atomic_int pipe_read_fd = -1;
static atomic_int pipe_write_fd = -1;
static atomic_int n_signals;
static atomic_bool stop_asked;
static struct sigaction saved[N_STOP_SIGNALS];
static struct sigaction saved_pipe;

void rt_request_stop(void)
{
    int saved_errno = errno;
    int fd = atomic_load(&pipe_write_fd);

    atomic_store(&stop_asked, true);
    if (fd >= 0 && write(fd, "", 1) < 0) {
        /* A full pipe wakes as well as one more byte. */
    }
    errno = saved_errno;
}

static void on_signal(int number)
{
    if (atomic_fetch_add(&n_signals, 1) > 0)
        _exit(128 + number);
    rt_request_stop();
}

static int open_pipe(void)
{
    int fds[2];

    if (pipe(fds) != 0)
        return -1;
    for (size_t i = 0; i < 2; i++) {
        (void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(fds[i], F_SETFL, O_NONBLOCK);
    }
    atomic_store(&pipe_read_fd, fds[0]);
    atomic_store(&pipe_write_fd, fds[1]);
    return 0;
}

int rt_signals_take(struct segs_error *reterr)
{
    struct sigaction action;

    if (open_pipe() != 0)
        return rt_fail(reterr, SEGS_EINTERNAL, NULL, "cannot make a pipe: %s", strerror(errno));
    atomic_store(&n_signals, 0);
    atomic_store(&stop_asked, false);
    memset(&action, 0, sizeof action);
    (void)sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    action.sa_handler = on_signal;
    for (size_t i = 0; i < N_STOP_SIGNALS; i++)
        (void)sigaction(stop_signals[i], &action, &saved[i]);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, &saved_pipe);
    return 0;
}

void rt_signals_give_back(void)
{
    int fd;

    for (size_t i = 0; i < N_STOP_SIGNALS; i++)
        (void)sigaction(stop_signals[i], &saved[i], NULL);
    (void)sigaction(SIGPIPE, &saved_pipe, NULL);
    fd = atomic_exchange(&pipe_write_fd, -1);
    (void)close(fd);
    fd = atomic_exchange(&pipe_read_fd, -1);
    (void)close(fd);
}

bool rt_signals_stop_asked(void)
{
    return atomic_load(&stop_asked);
}

void rt_signals_wait(void)
{
    struct pollfd pollfd = { .fd = atomic_load(&pipe_read_fd), .events = POLLIN };

    while (!rt_signals_stop_asked())
        (void)poll(&pollfd, 1, -1);
}
