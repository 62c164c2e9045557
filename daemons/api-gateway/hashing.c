#include "api-gateway/hashing.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <segs/password.h>

#include "runtime/errors.h"
#include "runtime/random.h"

#define QUEUE_PER_PLACE 8
#define WAIT_S 2

struct hashing {
    pthread_mutex_t lock;
    pthread_cond_t left;
    int64_t places;
    int64_t busy;
    int64_t waiting;
    struct segs_password_options options;
};

int hashing_new(int64_t parallel, int64_t cost, struct hashing **ret)
{
    struct hashing *hashing = calloc(1, sizeof *hashing);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    pthread_condattr_t attributes;

    if (!hashing)
        return SEGS_ENOMEM;
    hashing->places = parallel > 0 ? parallel : cores > 0 ? cores : 1;
    hashing->options = (struct segs_password_options)SEGS_PASSWORD_OPTIONS_INIT;
    hashing->options.cost = cost;
    (void)pthread_mutex_init(&hashing->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&hashing->left, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    *ret = hashing;
    return 0;
}

void hashing_free(struct hashing *hashing)
{
    if (!hashing)
        return;
    (void)pthread_cond_destroy(&hashing->left);
    (void)pthread_mutex_destroy(&hashing->lock);
    free(hashing);
}

int hashing_enter(struct hashing *hashing)
{
    struct timespec until;
    int r = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += WAIT_S;
    (void)pthread_mutex_lock(&hashing->lock);
    if (hashing->busy >= hashing->places && hashing->waiting >= QUEUE_PER_PLACE * hashing->places)
        r = SEGS_EFULL;
    hashing->waiting++;
    while (r == 0 && hashing->busy >= hashing->places) {
        if (pthread_cond_timedwait(&hashing->left, &hashing->lock, &until) != 0)
            r = SEGS_EFULL;
    }
    hashing->waiting--;
    if (r == 0)
        hashing->busy++;
    (void)pthread_mutex_unlock(&hashing->lock);
    return r;
}

void hashing_leave(struct hashing *hashing)
{
    (void)pthread_mutex_lock(&hashing->lock);
    hashing->busy--;
    (void)pthread_cond_signal(&hashing->left);
    (void)pthread_mutex_unlock(&hashing->lock);
}

int hashing_verify(const struct hashing *hashing, const char *password, const char *hash)
{
    if (!hash)
        return segs_password_verify_dummy(password, strlen(password), &hashing->options);
    return segs_password_verify(password, strlen(password), hash, NULL);
}

int hashing_make(const struct hashing *hashing, const char *password, char *ret, size_t capacity)
{
    uint8_t salt[SEGS_PASSWORD_SALT_BYTES];
    int r = rt_random_bytes(salt, sizeof salt);

    return r < 0 ? r
                 : segs_password_hash(password, strlen(password), salt, &hashing->options, ret,
                                      capacity);
}

int hashing_is_outdated(const struct hashing *hashing, const char *hash)
{
    return segs_password_needs_rehash(hash, &hashing->options) == 1;
}
