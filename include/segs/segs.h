/**
 * @file
 * Everything libsegs offers. Including one subject's header alone works as well.
 */
#ifndef SEGS_SEGS_H
#define SEGS_SEGS_H

#include <segs/error.h>
#include <segs/export.h>
#include <segs/memory.h>
#include <segs/reading.h>
#include <segs/version.h>

#endif
