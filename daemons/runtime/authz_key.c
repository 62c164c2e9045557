#include "runtime/authz_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_MAX_BYTES 16384
#define PATH_BYTES 4200
#define ADVICE "make one with `segs keygen --out FILE` and set JWT_KEY_FILE"

static int from_text(const char *text, size_t len, struct segs_jwk **ret, struct segs_error *reterr)
{
    struct segs_error detail = { 0 };
    struct segs_jwk *key = NULL;
    int r;

    if (len > 0 && text[0] == '-')
        r = segs_jwk_from_pem(text, len, NULL, &key, &detail);
    else
        r = segs_jwk_from_json(text, len, NULL, &key, &detail);
    if (r < 0)
        return rt_fail(reterr, r, "JWT_KEY_FILE", "not a usable key: %s %s", detail.field,
                       detail.message);
    if (!segs_jwk_can_sign(key)) {
        segs_jwk_free(key);
        return rt_fail(reterr, SEGS_EDENIED, "JWT_KEY_FILE",
                       "expected a private key, found a public one");
    }
    *ret = key;
    return 0;
}

static int from_file(const char *path, struct segs_jwk **ret, struct segs_error *reterr)
{
    char text[KEY_FILE_MAX_BYTES];
    struct stat status;
    FILE *file = fopen(path, "re");
    size_t len;

    if (!file)
        return rt_fail(reterr, errno == ENOENT ? SEGS_ENOTFOUND : SEGS_EDENIED, "JWT_KEY_FILE",
                       "cannot read the key file: %s", strerror(errno));
    if (fstat(fileno(file), &status) != 0 || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        (void)fclose(file);
        return rt_fail(reterr, SEGS_EDENIED, "JWT_KEY_FILE",
                       "others may read the key file: chmod 600 it");
    }
    len = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    if (len == sizeof text)
        return rt_fail(reterr, SEGS_EFULL, "JWT_KEY_FILE", "the file is longer than %d bytes",
                       KEY_FILE_MAX_BYTES - 1);
    return from_text(text, len, ret, reterr);
}

static int from_secret(const char *secret, struct segs_jwk **ret, struct segs_error *reterr)
{
    static const char *const reasons[] = { "", "shorter than 32 bytes", "a repeated pattern",
                                           "of too few different characters",
                                           "a known sample secret" };
    struct segs_jwk_options options = SEGS_JWK_OPTIONS_INIT;
    int weak = segs_secret_is_weak(secret, strlen(secret));

    if (weak != 0)
        return rt_fail(reterr, SEGS_EDENIED, "JWT_SECRET",
                       "expected a random secret, found one that is %s: make one with `segs "
                       "keygen --alg HS256`",
                       reasons[weak]);
    options.alg = SEGS_ALG_HS256;
    return segs_jwk_from_secret(secret, strlen(secret), &options, ret, reterr);
}

/* Written beside its place and linked there, so that nobody ever sees a part of a key. */
static int write_key(const char *path, const char *text, size_t len, struct segs_error *reterr)
{
    char temporary[PATH_BYTES];
    int fd;
    int r = 0;

    (void)snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return rt_fail(reterr, RT_ESTORAGE, "JWT_KEY_FILE", "cannot make a key file: %s",
                       strerror(errno));
    if (write(fd, text, len) != (ssize_t)len || fsync(fd) != 0)
        r = rt_fail(reterr, RT_ESTORAGE, "JWT_KEY_FILE", "cannot write a key file: %s",
                    strerror(errno));
    (void)close(fd);
    if (r == 0 && link(temporary, path) != 0 && errno != EEXIST)
        r = rt_fail(reterr, RT_ESTORAGE, "JWT_KEY_FILE", "cannot name a key file: %s",
                    strerror(errno));
    (void)unlink(temporary);
    return r;
}

static int generate(const char *path, struct segs_error *reterr)
{
    struct segs_jwk_options options = SEGS_JWK_OPTIONS_INIT;
    struct segs_jwk *key = NULL;
    char text[2048];
    size_t len = 0;
    int r;

    options.alg = SEGS_ALG_EDDSA;
    r = segs_jwk_generate(&options, &key, reterr);
    if (r == 0)
        r = segs_jwk_dump_private(key, text, sizeof text, &len);
    if (r == 0)
        r = write_key(path, text, len, reterr);
    segs_jwk_free(key);
    return r;
}

static int from_dev_file(const char *data_dir, struct segs_jwk **ret, struct segs_error *reterr)
{
    char path[PATH_BYTES - 32];
    int r;

    (void)snprintf(path, sizeof path, "%s/jwt-key.json", data_dir);
    r = access(path, F_OK) == 0 ? 0 : generate(path, reterr);
    return r < 0 ? r : from_file(path, ret, reterr);
}

int rt_authz_key_load(const struct rt_app *app, struct segs_jwk **ret, struct segs_error *reterr)
{
    const char *file = rt_config_string(app->config, "JWT_KEY_FILE");
    const char *secret = rt_config_string(app->config, "JWT_SECRET");

    if (file && secret)
        return rt_fail(reterr, SEGS_ECONFLICT, "JWT_SECRET",
                       "expected JWT_KEY_FILE or JWT_SECRET, found both");
    if (file)
        return from_file(file, ret, reterr);
    if (secret)
        return from_secret(secret, ret, reterr);
    if (app->dev && app->data_dir)
        return from_dev_file(app->data_dir, ret, reterr);
    return rt_fail(reterr, SEGS_EDENIED, "JWT_KEY_FILE", "no key for access tokens: " ADVICE);
}
