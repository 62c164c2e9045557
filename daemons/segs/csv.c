#include "segs/csv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void csv_init(struct csv *csv, FILE *file, char delimiter)
{
    memset(csv, 0, sizeof *csv);
    csv->file = file;
    csv->delimiter = delimiter;
    csv->line = 1;
}

void csv_free(struct csv *csv)
{
    free(csv->text);
    csv->text = NULL;
}

const char *csv_cell(const struct csv *csv, size_t i)
{
    return i < csv->n_cells ? csv->text + csv->starts[i] : NULL;
}

/* ---- Bytes ---- */

static int next_byte(struct csv *csv)
{
    int c = getc_unlocked(csv->file);

    if (c != EOF)
        csv->n_bytes++;
    if (c == '\n')
        csv->line++;
    return c;
}

static int peek_byte(struct csv *csv)
{
    int c = getc_unlocked(csv->file);

    if (c != EOF)
        (void)ungetc(c, csv->file);
    return c;
}

static void skip_mark(struct csv *csv)
{
    static const int mark[3] = { 0xef, 0xbb, 0xbf };

    if (csv->n_bytes > 0 || peek_byte(csv) != mark[0])
        return;
    for (int i = 0; i < 3 && peek_byte(csv) == mark[i]; i++)
        (void)next_byte(csv);
}

static void skip_line(struct csv *csv, int last)
{
    while (last != '\n' && last != EOF)
        last = next_byte(csv);
}

/* ---- Cells ---- */

static int put(struct csv *csv, int c, struct segs_error *reterr)
{
    if (csv->len == CSV_RECORD_MAX_BYTES)
        return rt_fail(reterr, SEGS_EFULL, NULL,
                       "expected a record of at most %d bytes; is a quote not closed?",
                       CSV_RECORD_MAX_BYTES);
    if (csv->len == csv->cap) {
        size_t cap = csv->cap ? csv->cap * 2 : 4096;
        char *grown = realloc(csv->text, cap);

        if (!grown)
            return rt_fail(reterr, SEGS_ENOMEM, NULL, "no memory for a record");
        csv->text = grown;
        csv->cap = cap;
    }
    csv->text[csv->len++] = (char)c;
    return 0;
}

static int begin_cell(struct csv *csv, struct segs_error *reterr)
{
    if (csv->n_cells == CSV_CELLS_MAX)
        return rt_fail(reterr, SEGS_EFULL, NULL, "expected at most %d cells", CSV_CELLS_MAX);
    csv->starts[csv->n_cells++] = csv->len;
    return 0;
}

/* The inside of a quoted cell; *ret_last is the byte behind the closing quote. */
static int read_quoted(struct csv *csv, int *ret_last, struct segs_error *reterr)
{
    int r = 0;

    while (r == 0) {
        int c = next_byte(csv);

        if (c == EOF) {
            *ret_last = EOF;
            return rt_fail(reterr, SEGS_ESYNTAX, NULL, "a quote is not closed");
        }
        if (c == '"') {
            c = next_byte(csv);
            *ret_last = c;
            if (c != '"')
                return 0;
        }
        *ret_last = c;
        r = put(csv, c, reterr);
    }
    return r;
}

/* One cell without its end; *ret_last is the byte that ended it. */
static int read_cell(struct csv *csv, int *ret_last, struct segs_error *reterr)
{
    int c = next_byte(csv);
    int r = 0;

    if (c == '"') {
        r = read_quoted(csv, &c, reterr);
        if (r == 0 && c == '\r' && peek_byte(csv) == '\n')
            c = next_byte(csv);
        *ret_last = c;
        if (r == 0 && c != csv->delimiter && c != '\n' && c != EOF)
            r = rt_fail(reterr, SEGS_ESYNTAX, NULL, "text behind a closing quote in cell %zu",
                        csv->n_cells);
        return r;
    }
    while (r == 0 && c != csv->delimiter && c != '\n' && c != EOF) {
        if (c == '\r' && peek_byte(csv) == '\n') {
            c = next_byte(csv);
            break;
        }
        if (c == '"')
            r = rt_fail(reterr, SEGS_ESYNTAX, NULL, "a quote inside of unquoted cell %zu",
                        csv->n_cells);
        else if (c == '\0')
            r = rt_fail(reterr, SEGS_ESYNTAX, NULL, "a NUL byte in cell %zu", csv->n_cells);
        else
            r = put(csv, c, reterr);
        if (r == 0)
            c = next_byte(csv);
    }
    *ret_last = c;
    return r;
}

static int read_record(struct csv *csv, int *ret_last, struct segs_error *reterr)
{
    int r = 0;

    do {
        r = begin_cell(csv, reterr);
        if (r == 0)
            r = read_cell(csv, ret_last, reterr);
        if (r == 0)
            r = put(csv, '\0', reterr);
    } while (r == 0 && *ret_last == csv->delimiter);
    return r;
}

static bool is_blank(const struct csv *csv)
{
    return csv->n_cells == 1 && csv->text[0] == '\0';
}

int csv_next(struct csv *csv, struct segs_error *reterr)
{
    int last = '\n';
    int r;

    skip_mark(csv);
    do {
        csv->len = 0;
        csv->n_cells = 0;
        csv->record_line = csv->line;
        if (peek_byte(csv) == EOF)
            return ferror(csv->file)
                       ? rt_fail(reterr, RT_ESTORAGE, NULL, "cannot read: %s", strerror(errno))
                       : 0;
        r = read_record(csv, &last, reterr);
    } while (r == 0 && is_blank(csv));
    if (r == 0)
        return 1;
    csv->n_cells = 0;
    if (r == SEGS_ESYNTAX || r == SEGS_EFULL)
        skip_line(csv, last);
    return r;
}
