/* Out-of-memory sweep: an allocator whose n-th call fails, and a loop that runs a scenario once per
 * allocation with that one failing, then with that one and all later ones failing, until a run
 * needs no failing call. After each run nothing allocated may remain. */
#ifndef SEGS_TESTS_FAILALLOC_H
#define SEGS_TESTS_FAILALLOC_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <segs/error.h>
#include <segs/memory.h>

struct failalloc {
    size_t fail_at;    /* 1-based call of alloc or resize that fails; 0 for none */
    bool keep_failing; /* later calls fail too */
    size_t n_calls;
    size_t n_failed;
    size_t n_live; /* blocks not yet released */
    struct segs_allocator allocator;
};

static inline bool failalloc_refuses(struct failalloc *f)
{
    f->n_calls++;
    if (f->fail_at == 0 || f->n_calls < f->fail_at || (f->n_calls > f->fail_at && !f->keep_failing))
        return false;
    f->n_failed++;
    return true;
}

static inline void *failalloc_alloc(size_t size, void *user)
{
    struct failalloc *f = user;
    void *ptr;

    ck_assert_uint_ne(size, 0);
    if (failalloc_refuses(f))
        return NULL;
    ptr = malloc(size);
    ck_assert_ptr_nonnull(ptr);
    f->n_live++;
    return ptr;
}

static inline void *failalloc_resize(void *ptr, size_t size, void *user)
{
    struct failalloc *f = user;
    void *moved;

    ck_assert_uint_ne(size, 0);
    if (failalloc_refuses(f))
        return NULL;
    moved = realloc(ptr, size);
    ck_assert_ptr_nonnull(moved);
    if (!ptr)
        f->n_live++;
    return moved;
}

static inline void failalloc_release(void *ptr, void *user)
{
    struct failalloc *f = user;

    if (!ptr)
        return;
    ck_assert_uint_gt(f->n_live, 0);
    f->n_live--;
    free(ptr);
}

static inline void failalloc_init(struct failalloc *f, size_t fail_at, bool keep_failing)
{
    f->fail_at = fail_at;
    f->keep_failing = keep_failing;
    f->n_calls = 0;
    f->n_failed = 0;
    f->n_live = 0;
    f->allocator.alloc = failalloc_alloc;
    f->allocator.resize = failalloc_resize;
    f->allocator.release = failalloc_release;
    f->allocator.user = f;
}

/* Builds, uses and frees objects with the allocator; returns what the library returned: a negative
 * code at the first failure, after freeing everything. */
typedef int(failalloc_scenario)(const struct segs_allocator *allocator, void *user);

/* Returns how many allocations the scenario makes when none fails, so that a test can assert that
 * it tested something. */
static inline size_t failalloc_sweep(failalloc_scenario *scenario, void *user)
{
    struct failalloc f;

    for (size_t n = 1;; n++) {
        for (int keep_failing = 0; keep_failing <= 1; keep_failing++) {
            int r;

            failalloc_init(&f, n, keep_failing != 0);
            r = scenario(&f.allocator, user);
            ck_assert_msg(f.n_live == 0, "%zu blocks leaked when allocation %zu fails", f.n_live,
                          n);
            if (f.n_failed == 0) {
                ck_assert_int_ge(r, 0);
                return f.n_calls;
            }
            ck_assert_int_eq(r, SEGS_ENOMEM);
        }
    }
}

#endif
