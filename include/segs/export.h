/**
 * @file
 * Linkage of the public API: every exported function carries SEGS_API and stands in lib/segs.map.
 */
#ifndef SEGS_EXPORT_H
#define SEGS_EXPORT_H

#if defined(__GNUC__)
#define SEGS_API __attribute__((visibility("default")))
#else
#define SEGS_API
#endif

#endif
