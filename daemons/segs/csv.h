/* CSV as RFC 4180 has it: cells separated by a delimiter, records by CRLF or LF, quoted cells with "" for a quote and anything else inside.
 * A byte order mark at the start is skipped, and so are blank lines. What does not follow the rules is reported and the reader goes on
 * at the next line. One thread. */
#ifndef SEGS_CSV_H
#define SEGS_CSV_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime/errors.h"

#define CSV_CELLS_MAX 1024
#define CSV_RECORD_MAX_BYTES (1 << 20)

struct csv {
    FILE *file; /* Borrowed. */
    char delimiter;
    int64_t record_line; /* Line on which the last record began, from 1. */
    int64_t line;        /* Line that is read next. */
    int64_t n_bytes;     /* Read so far. */
    char *text;          /* Cells, each NUL-terminated. */
    size_t len;
    size_t cap;
    size_t n_cells;
    size_t starts[CSV_CELLS_MAX];
};

void csv_init(struct csv *csv, FILE *file, char delimiter);
void csv_free(struct csv *csv);

/* The next record: 1, or 0 at the end. SEGS_ESYNTAX, SEGS_EFULL (longer than the limits): this record is no use, the next call goes on
 * behind it; SEGS_ENOMEM, RT_ESTORAGE (reading failed): there is no going on. */
int csv_next(struct csv *csv, struct segs_error *reterr);
/* Cell i of the last record, NULL when it has fewer. Lives until the next call. */
const char *csv_cell(const struct csv *csv, size_t i);

#endif
