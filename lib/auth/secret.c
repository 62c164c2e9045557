/* Secrets that must not be used. */
#include <string.h>

#include <segs/jwk.h>

#include "auth/auth_internal.h"
#include "base/base_internal.h"

#define MIN_BYTES 32
#define MIN_DIFFERENT 8
#define MIN_UNKNOWN 16

/* What sample secrets are made of: a compilation of our own. Longer words before their own starts. */
static const char *const sample_words[] = {
    "abcdefghijklmnopqrstuvwxyz",
    "authentication",
    "authorization",
    "1234567890",
    "placeholder",
    "application",
    "development",
    "environment",
    "characters",
    "encryption",
    "passphrase",
    "production",
    "management",
    "algorithm",
    "generated",
    "localhost",
    "signature",
    "123456789",
    "keyboard",
    "iloveyou",
    "insecure",
    "password",
    "security",
    "sunshine",
    "12345678",
    "backend",
    "changeit",
    "changeme",
    "company",
    "default",
    "django",
    "example",
    "express",
    "frontend",
    "generate",
    "laravel",
    "letmein",
    "minimum",
    "private",
    "project",
    "refresh",
    "replace",
    "service",
    "session",
    "signing",
    "testing",
    "utility",
    "1234567",
    "access",
    "before",
    "change",
    "client",
    "config",
    "cookie",
    "domain",
    "energy",
    "insert",
    "length",
    "longer",
    "master",
    "monkey",
    "nodejs",
    "passwd",
    "please",
    "public",
    "qwerty",
    "random",
    "sample",
    "secret",
    "secure",
    "server",
    "shared",
    "should",
    "spring",
    "staging",
    "string",
    "strong",
    "system",
    "unsafe",
    "update",
    "thirty",
    "123456",
    "abcdef",
    "admin",
    "after",
    "bytes",
    "chars",
    "dummy",
    "enter",
    "flask",
    "hello",
    "least",
    "local",
    "meter",
    "never",
    "rails",
    "share",
    "shhhh",
    "smart",
    "super",
    "there",
    "token",
    "ultra",
    "users",
    "value",
    "world",
    "your",
    "12345",
    "auth",
    "bits",
    "boot",
    "byte",
    "char",
    "demo",
    "dont",
    "from",
    "grid",
    "hash",
    "here",
    "hmac",
    "keep",
    "keys",
    "long",
    "more",
    "must",
    "name",
    "nest",
    "node",
    "only",
    "pass",
    "prod",
    "root",
    "safe",
    "salt",
    "segs",
    "sign",
    "some",
    "test",
    "text",
    "than",
    "that",
    "this",
    "used",
    "user",
    "very",
    "with",
    "1234",
    "abc",
    "and",
    "any",
    "api",
    "app",
    "bar",
    "baz",
    "bit",
    "cat",
    "com",
    "dev",
    "env",
    "foo",
    "for",
    "jwt",
    "key",
    "min",
    "new",
    "not",
    "old",
    "our",
    "put",
    "set",
    "sha",
    "the",
    "top",
    "two",
    "use",
    "web",
    "you",
    "123",
    "256",
    "384",
    "512",
    "at",
    "be",
    "by",
    "do",
    "hs",
    "in",
    "is",
    "it",
    "me",
    "my",
    "of",
    "on",
    "or",
    "to",
};

/* Keys printed in RFC 7515 A.1 and RFC 7520 3.5, as text; their bytes count as well. */
static const char *const published[] = {
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
};

static bool has_period(const unsigned char *bytes, size_t len, size_t period)
{
    for (size_t i = period; i < len; i++) {
        if (bytes[i] != bytes[i - period])
            return false;
    }
    return true;
}

static bool is_repeated(const unsigned char *bytes, size_t len)
{
    bool is_run = true;

    for (size_t i = 2; i < len && is_run; i++)
        is_run = bytes[i] - bytes[i - 1] == bytes[1] - bytes[0];
    if (is_run)
        return true;
    for (size_t period = 1; period <= len / 2; period++) {
        if (has_period(bytes, len, period))
            return true;
    }
    return false;
}

static bool is_poor(const unsigned char *bytes, size_t len)
{
    size_t counts[256] = { 0 };
    size_t n_different = 0;
    double n_equal_pairs = 0;

    for (size_t i = 0; i < len; i++)
        counts[bytes[i]]++;
    for (size_t i = 0; i < 256; i++) {
        n_different += counts[i] > 0;
        n_equal_pairs += (double)counts[i] * ((double)counts[i] - 1);
    }
    return n_different < MIN_DIFFERENT || n_equal_pairs * 6 > (double)len * ((double)len - 1);
}

static bool is_published(const unsigned char *bytes, size_t len)
{
    unsigned char key[64];

    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        size_t text_len = strlen(published[i]);
        size_t key_len = segs__b64_data_len(text_len);

        if (len == text_len && memcmp(bytes, published[i], len) == 0)
            return true;
        if (len == key_len && segs__b64_decode(published[i], text_len, key) == 0 &&
            memcmp(bytes, key, len) == 0)
            return true;
    }
    return false;
}

/* The byte as a lower case letter or digit, 0 for anything else. */
static char normal(unsigned char byte, bool undo_swaps)
{
    static const char from[] = "013457@$!";
    static const char to[] = "oieastasi";
    const char *swap;

    if (byte >= 'A' && byte <= 'Z')
        return (char)(byte - 'A' + 'a');
    if (byte >= 'a' && byte <= 'z')
        return (char)byte;
    if (undo_swaps && byte != 0 && (swap = strchr(from, byte)) != NULL)
        return to[swap - from];
    return byte >= '0' && byte <= '9' ? (char)byte : '\0';
}

/* Length of the sample word at the start of the text, 0 for none. */
static size_t sample_word_len(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof sample_words / sizeof sample_words[0]; i++) {
        size_t n = strlen(sample_words[i]);

        if (n <= len && memcmp(text, sample_words[i], n) == 0)
            return n;
    }
    return 0;
}

static bool is_sample(const unsigned char *bytes, size_t len, bool undo_swaps)
{
    char text[SEGS_JWK_SECRET_MAX_BYTES];
    size_t text_len = 0;
    size_t n_unknown = 0;

    for (size_t i = 0; i < len && text_len < sizeof text; i++) {
        char c = normal(bytes[i], undo_swaps);

        if (c)
            text[text_len++] = c;
    }
    for (size_t i = 0; i < text_len;) {
        size_t n = sample_word_len(text + i, text_len - i);

        n_unknown += n == 0;
        i += n ? n : 1;
    }
    return n_unknown < MIN_UNKNOWN;
}

/* Bytes that are no text say nothing about words: binary keys have few letters. */
static bool is_text(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] < 0x20 || bytes[i] > 0x7E)
            return false;
    }
    return true;
}

int segs_secret_is_weak(const void *bytes, size_t len)
{
    if (!bytes || len < MIN_BYTES)
        return SEGS_WEAK_SHORT;
    if (is_repeated(bytes, len))
        return SEGS_WEAK_REPEATED;
    if (is_poor(bytes, len))
        return SEGS_WEAK_POOR;
    if (is_published(bytes, len) ||
        (is_text(bytes, len) && (is_sample(bytes, len, false) || is_sample(bytes, len, true))))
        return SEGS_WEAK_KNOWN;
    return 0;
}
