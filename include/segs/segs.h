/**
 * @file
 * Everything libsegs offers. Including one subject's header alone works as well.
 */
#ifndef SEGS_SEGS_H
#define SEGS_SEGS_H

#include <segs/decode.h>
#include <segs/encode.h>
#include <segs/error.h>
#include <segs/export.h>
#include <segs/fixed.h>
#include <segs/hash.h>
#include <segs/intern.h>
#include <segs/jwk.h>
#include <segs/jwt.h>
#include <segs/memory.h>
#include <segs/password.h>
#include <segs/reading.h>
#include <segs/role.h>
#include <segs/rollup.h>
#include <segs/time.h>
#include <segs/token.h>
#include <segs/validate.h>
#include <segs/version.h>
#include <segs/window.h>
#include <segs/zone.h>

#endif
