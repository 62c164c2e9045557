/**
 * @file
 * The allocator hook that objects of libsegs take through their options.
 *
 * Thread rule: the library calls an allocator only on the thread that called into the object it
 * belongs to.
 */
#ifndef SEGS_MEMORY_H
#define SEGS_MEMORY_H

#include <stddef.h>

#include <segs/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Allocator of one object. NULL in an options struct means malloc, realloc and free.
 * Returning NULL from `alloc` or `resize` makes the call that needed memory fail with SEGS_ENOMEM
 * and leaves the object as it was.
 */
struct segs_allocator {
    void *(*alloc)(size_t size, void *user); /**< Size is never 0; aligned for any type. */
    void *(*resize)(void *ptr, size_t size, void *user); /**< Like realloc; ptr may be NULL. */
    void (*release)(void *ptr, void *user);              /**< ptr may be NULL. */
    void *user;                                          /**< Handed to each function. */
};

#ifdef __cplusplus
}
#endif

#endif
