/* For the tests of lib/window/ only: a look at how a table hashes. */
#ifndef SEGS_INTERN_INTERNAL_H
#define SEGS_INTERN_INTERNAL_H

#include <stdbool.h>

#include <segs/intern.h>

uint64_t segs__intern_hash(const struct segs_intern *intern, const char *id, size_t len);
bool segs__intern_is_sip(const struct segs_intern *intern);

#endif
