/* segs keygen: keys for tokens and for sending readings. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <segs/jwk.h>
#include <segs/reading.h>
#include <segs/token.h>

#include "runtime/clock.h"
#include "runtime/db/db.h"
#include "runtime/random.h"
#include "runtime/schema/schema.h"
#include "segs/cli.h"
#include "segs/commands.h"

#define NAME "keygen"
#define JWK_MAX_BYTES 8192
/* 256 bits: nobody guesses it, so a plain digest is enough to store. */
#define INGEST_KEY_BYTES 32
#define INGEST_NAME_MAX 100

struct arguments {
    const char *alg;
    const char *out;
    const char *data;
    const char *ingest; /* Name of the new ingest key, or NULL. */
    const char *prefix;
    bool wants_help;
};

/* ---- Keys for tokens ---- */

static int generate(const char *alg, char jwk[JWK_MAX_BYTES], size_t *ret_len,
                    struct segs_error *reterr)
{
    struct segs_jwk_options options = SEGS_JWK_OPTIONS_INIT;
    struct segs_jwk *key = NULL;
    int r;

    assert(alg);
    r = segs_alg_parse(alg, strlen(alg), &options.alg);
    if (r < 0)
        return rt_fail(reterr, SEGS_ENOTSUP, "--alg",
                       "expected EdDSA, ES256, RS256, HS256, HS384 or HS512, found \"%s\"", alg);
    r = segs_jwk_generate(&options, &key, reterr);
    if (r == 0)
        r = segs_jwk_dump_private(key, jwk, JWK_MAX_BYTES, ret_len);
    segs_jwk_free(key);
    return r;
}

/* Never over a file that is there: it may hold the key that tokens are signed with. */
static int write_file(const char *path, const char *text, size_t len, struct segs_error *reterr)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool is_written;

    if (fd < 0 && errno == EEXIST)
        return rt_fail(reterr, SEGS_ECONFLICT, "--out", "%s is there already and was left alone",
                       path);
    if (fd < 0)
        return rt_fail(reterr, RT_ESTORAGE, "--out", "cannot make %s: %s", path, strerror(errno));
    is_written = write(fd, text, len) == (ssize_t)len && write(fd, "\n", 1) == 1 && fsync(fd) == 0;
    if (close(fd) != 0 || !is_written) {
        (void)unlink(path);
        return rt_fail(reterr, RT_ESTORAGE, "--out", "cannot write %s", path);
    }
    return 0;
}

static int make_token_key(const struct arguments *arguments)
{
    struct segs_error err = { 0 };
    char jwk[JWK_MAX_BYTES];
    size_t len = 0;
    int r = generate(arguments->alg, jwk, &len, &err);

    if (r == 0 && arguments->out) {
        r = write_file(arguments->out, jwk, len, &err);
        if (r == 0)
            (void)fprintf(stderr, "segs keygen: wrote a private %s key to %s\n", arguments->alg,
                          arguments->out);
    } else if (r == 0) {
        (void)printf("%s\n", jwk);
    }
    if (r < 0)
        cli_complain(NAME, r, &err);
    return r < 0 ? EXIT_UNUSABLE : EXIT_DONE;
}

/* ---- Keys for readings ---- */

static int store(struct rt_db *db, const struct arguments *arguments,
                 const uint8_t digest[SEGS_TOKEN_DIGEST_BYTES], struct segs_error *reterr)
{
    struct rt_db_value params[4] = { rt_db_blob(digest, SEGS_TOKEN_DIGEST_BYTES),
                                     rt_db_text(arguments->ingest), rt_db_text(arguments->prefix),
                                     RT_DB_I(rt_clock_now_ms(NULL)) };
    struct rt_db_conn *conn = NULL;
    int r = rt_schema_migrate(db, reterr);

    if (r == 0)
        r = rt_db_acquire(db, RT_DB_WRITE, 30000, &conn, reterr);
    if (r == 0)
        r = rt_db_begin(conn, reterr);
    if (r == 0)
        r = rt_db_exec(conn,
                       "INSERT INTO ingest_keys (key_hash, name, meter_prefix, created_at_ms)"
                       " VALUES ($1, $2, $3, $4)",
                       params, 4, NULL, reterr);
    if (r == 0)
        r = rt_db_commit(conn, reterr);
    rt_db_release(conn);
    return r;
}

static int check_ingest(const struct arguments *arguments, struct segs_error *reterr)
{
    size_t name_len = strlen(arguments->ingest);

    if (name_len == 0 || name_len > INGEST_NAME_MAX)
        return rt_fail(reterr, SEGS_ERANGE, "--ingest", "expected a name of 1..%d bytes",
                       INGEST_NAME_MAX);
    /* An empty prefix would speak for every meter; that has to be said. */
    if (!arguments->prefix)
        return rt_fail(reterr, SEGS_ERANGE, "--prefix",
                       "expected the beginning of the meters' ids; --prefix '' allows all meters");
    if (arguments->prefix[0] &&
        segs_id_check(arguments->prefix, strlen(arguments->prefix), NULL) < 0)
        return rt_fail(reterr, SEGS_ERANGE, "--prefix",
                       "expected the beginning of meter ids, found \"%s\"", arguments->prefix);
    return 0;
}

static int store_digest(const struct arguments *arguments, const char *key,
                        struct segs_error *reterr)
{
    const struct rt_db_options options = { .data_dir = cli_data_dir(arguments->data) };
    uint8_t digest[SEGS_TOKEN_DIGEST_BYTES];
    struct rt_db *db = NULL;
    int r = segs_token_digest(key, strlen(key), digest);

    if (r == 0 && access(options.data_dir, W_OK) != 0)
        r = rt_fail(reterr, SEGS_ENOTFOUND, "--data", "%s: %s", options.data_dir, strerror(errno));
    if (r == 0)
        r = rt_db_open(&options, &db, reterr);
    if (r == 0)
        r = store(db, arguments, digest, reterr);
    if (db)
        rt_db_close(db);
    return r;
}

static int make_ingest_key(const struct arguments *arguments)
{
    struct segs_error err = { 0 };
    char key[RT_RANDOM_TEXT_BYTES] = "";
    int r = check_ingest(arguments, &err);

    if (r == 0)
        r = rt_random_base64url(INGEST_KEY_BYTES, key);
    if (r == 0)
        r = store_digest(arguments, key, &err);
    if (r < 0) {
        cli_complain(NAME, r, &err);
        return EXIT_UNUSABLE;
    }
    (void)printf("%s\n", key);
    (void)fprintf(
        stderr,
        "segs keygen: this is the only time the key of \"%s\" is shown; it speaks for %s%s\n",
        arguments->ingest, arguments->prefix[0] ? "meters " : "all meters",
        arguments->prefix[0] ? arguments->prefix : "");
    return EXIT_DONE;
}

/* ---- Command line ---- */

static const char help[] =
    "Examples:\n"
    "  segs keygen --out signing.jwk                     a key to sign tokens with\n"
    "  segs keygen --ingest head-end-1 --prefix MTR-A    a key to send readings with\n"
    "\n"
    "Usage: segs keygen [--alg ALG] [--out FILE]\n"
    "       segs keygen --ingest NAME --prefix PREFIX [--data DIR]\n"
    "\n"
    "      --alg ALG         EdDSA (default), ES256, RS256, HS256, HS384 or HS512\n"
    "      --out FILE        write the JWK there, readable by its owner alone; a file that is "
    "there\n"
    "                        is never overwritten. Without it the JWK goes to stdout\n"
    "      --ingest NAME     make an ingest key, print it once, and store its digest in the data\n"
    "                        folder; SEGS may be running there\n"
    "      --prefix PREFIX   the meters it speaks for: those whose id begins with this; '' for "
    "all\n"
    "      --data DIR        the data folder (DATA_DIR), .segs by default\n"
    "  -h, --help            show this text\n"
    "\n"
    "Exit status: 0 made, 2 it could not be made.\n";

static const struct option long_options[] = { { "alg", required_argument, NULL, 'a' },
                                              { "out", required_argument, NULL, 'o' },
                                              { "ingest", required_argument, NULL, 'i' },
                                              { "prefix", required_argument, NULL, 'p' },
                                              { "data", required_argument, NULL, 'd' },
                                              { "help", no_argument, NULL, 'h' },
                                              { NULL, 0, NULL, 0 } };

static bool parse(struct arguments *arguments, int argc, char **argv)
{
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        switch (option) {
        case 'a':
            arguments->alg = optarg;
            break;
        case 'o':
            arguments->out = optarg;
            break;
        case 'i':
            arguments->ingest = optarg;
            break;
        case 'p':
            arguments->prefix = optarg;
            break;
        case 'd':
            arguments->data = optarg;
            break;
        case 'h':
            arguments->wants_help = true;
            break;
        default:
            cli_unknown_option(NAME, long_options, argv);
            return false;
        }
    }
    if (arguments->prefix && !arguments->ingest && !arguments->wants_help) {
        (void)fprintf(stderr, "segs keygen: --prefix belongs to --ingest\n");
        return false;
    }
    return cli_no_arguments(NAME, argc, argv);
}

int command_keygen(int argc, char **argv)
{
    struct arguments arguments = { .alg = "EdDSA" };

    if (!parse(&arguments, argc, argv))
        return EXIT_UNUSABLE;
    if (arguments.wants_help) {
        (void)fputs(help, stdout);
        return EXIT_DONE;
    }
    return arguments.ingest ? make_ingest_key(&arguments) : make_token_key(&arguments);
}
