#include <segs/memory.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_internal.h"

static void *heap_alloc(size_t size, void *user)
{
    (void)user;
    return malloc(size);
}

static void *heap_resize(void *ptr, size_t size, void *user)
{
    (void)user;
    return realloc(ptr, size);
}

static void heap_release(void *ptr, void *user)
{
    (void)user;
    free(ptr);
}

static const struct segs_allocator heap = { heap_alloc, heap_resize, heap_release, NULL };

const struct segs_allocator *segs__allocator(const struct segs_allocator *options_allocator)
{
    return options_allocator ? options_allocator : &heap;
}

void *segs__alloc(const struct segs_allocator *a, size_t size)
{
    return a->alloc(size ? size : 1, a->user);
}

void *segs__alloc_zero(const struct segs_allocator *a, size_t size)
{
    void *ptr = segs__alloc(a, size);

    if (ptr)
        memset(ptr, 0, size);
    return ptr;
}

void *segs__alloc_array(const struct segs_allocator *a, size_t n, size_t size)
{
    if (size != 0 && n > SIZE_MAX / size)
        return NULL;
    return segs__alloc(a, n * size);
}

void *segs__resize_array(const struct segs_allocator *a, void *ptr, size_t n, size_t size)
{
    if (n == 0 || size == 0 || n > SIZE_MAX / size)
        return NULL;
    return a->resize(ptr, n * size, a->user);
}

void segs__release(const struct segs_allocator *a, void *ptr)
{
    a->release(ptr, a->user);
}
