/* The policy for new passwords: length, characters, and what everybody uses. */
#include <string.h>

#include <openssl/crypto.h>

#include <segs/password.h>

#include "auth/auth_internal.h"
#include "base/base_internal.h"

_Static_assert(offsetof(struct segs_password_policy, max_chars) == 32, "no implicit padding");
_Static_assert(sizeof(struct segs_password_policy) == 40, "no implicit padding");

#define DEFAULT_MIN_CHARS 8
#define DEFAULT_MAX_CHARS 128
#define CONTEXT_WORD_MIN_BYTES 4
#define CONTEXT_REST_MIN_BYTES 6 /* characters needed besides a context word */
#define SHORT_GROUP_BYTES 6
#define NUMBER_MAX_DIGITS 10
#define MIN_DIFFERENT 4

static int read_policy(const struct segs_password_policy *policy, struct segs_password_policy *p,
                       struct segs_error *reterr)
{
    int r = segs__options_copy(p, sizeof *p, policy);

    if (r < 0)
        return segs__fail(reterr, r, "policy", -1, "expected a policy of this version");
    if (p->min_chars == 0)
        p->min_chars = DEFAULT_MIN_CHARS;
    if (p->max_chars == 0)
        p->max_chars = DEFAULT_MAX_CHARS;
    if (p->min_chars < DEFAULT_MIN_CHARS || p->min_chars > 64)
        return segs__fail(reterr, SEGS_ERANGE, "min_chars", -1, "expected 8..64");
    if (p->max_chars < 64 || p->max_chars > 255)
        return segs__fail(reterr, SEGS_ERANGE, "max_chars", -1, "expected 64..255");
    if (p->n_context_words < 0 || (p->n_context_words > 0 && !p->context_words))
        return segs__fail(reterr, SEGS_ERANGE, "n_context_words", -1, "expected 0 or more words");
    return 0;
}

/* C0 and C1 controls and DEL cannot be typed on purpose. */
static bool is_control(const char *text, size_t len)
{
    unsigned char first = (unsigned char)text[0];

    if (len == 1)
        return first < 0x20 || first == 0x7F;
    return len == 2 && first == 0xC2 && (unsigned char)text[1] < 0xA0;
}

static int check_chars(const char *password, size_t len, const struct segs_password_policy *p,
                       struct segs_error *reterr)
{
    int64_t n_chars = 0;
    size_t n;

    if (len > SEGS_PASSWORD_MAX_BYTES)
        return segs__fail(reterr, SEGS_ERANGE, "password", -1, "expected at most %d bytes",
                          SEGS_PASSWORD_MAX_BYTES);
    for (size_t i = 0; i < len; i += n) {
        n = segs__utf8_char_len(password + i, len - i);
        if (n == 0 || is_control(password + i, n))
            return segs__fail(reterr, SEGS_ESYNTAX, "password", (int64_t)i,
                              "expected text in UTF-8 without control characters");
        n_chars++;
    }
    if (n_chars < p->min_chars || n_chars > p->max_chars)
        return segs__fail(reterr, SEGS_ERANGE, "password", -1,
                          "expected %lld to %lld characters, found %lld", (long long)p->min_chars,
                          (long long)p->max_chars, (long long)n_chars);
    return 0;
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

/* "aaaaaaaa", "abababab", "abcabcabc", "1122112211". */
static bool is_repeated(const char *text, size_t len)
{
    bool seen[256] = { false };
    size_t n_different = 0;

    for (size_t i = 0; i < len; i++) {
        n_different += !seen[(unsigned char)text[i]];
        seen[(unsigned char)text[i]] = true;
    }
    if (n_different < MIN_DIFFERENT)
        return true;
    for (size_t period = 1; period <= SHORT_GROUP_BYTES && 2 * period <= len; period++) {
        size_t i = period;

        while (i < len && text[i] == text[i - period])
            i++;
        if (i == len)
            return true;
    }
    return false;
}

/* Do the characters stand side by side in the alphabet, in the digits or on a keyboard, or are they
 * the same? */
static bool are_neighbours(char a, char b)
{
    static const char *const lines[] = {
        "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "1234567890", "1qaz", "2wsx",
        "3edc",       "4rfv",      "5tgb",    "6yhn",       "7ujm",       "8ik",  "9ol",
    };

    if (a == b)
        return true;
    if ((is_lower(a) && is_lower(b)) || (segs__is_digit(a) && segs__is_digit(b))) {
        if (a - b == 1 || b - a == 1)
            return true;
    }
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *at = strchr(lines[i], a);

        if (at && ((at > lines[i] && at[-1] == b) || at[1] == b))
            return true;
    }
    return false;
}

/* Mostly steps to a neighbour: "12345678", "qwertyuiop", "1qaz2wsx", "abcd4321". */
static bool is_walk(const char *text, size_t len)
{
    size_t n_jumps = 0;

    for (size_t i = 1; i < len; i++)
        n_jumps += !are_neighbours(text[i - 1], text[i]);
    return n_jumps <= (len - 1) / 4;
}

/* Dates, telephone numbers and the like. */
static bool is_number(const char *text, size_t len)
{
    size_t n_digits = 0;

    for (size_t i = 0; i < len; i++) {
        if (segs__is_digit(text[i]))
            n_digits++;
        else if (!strchr(" ./-+:,", text[i]))
            return false;
    }
    return n_digits <= NUMBER_MAX_DIGITS;
}

/* The letter that a digit or sign stands for, the character itself for others. */
static char undo_swap(char c, char for_one)
{
    static const char from[] = "034579@$!+";
    static const char to[] = "oeastgasit";
    const char *swap = c ? strchr(from, c) : NULL;

    if (c == '1')
        return for_one;
    return swap ? to[swap - from] : c;
}

/* One word of the list, or two. */
static bool is_made_of_words(const char *letters, size_t len)
{
    if (segs__word_is_common(letters, len))
        return true;
    for (size_t i = 3; i + 3 <= len; i++) {
        if (segs__word_is_common(letters, i) && segs__word_is_common(letters + i, len - i))
            return true;
    }
    return false;
}

static bool letters_are_common(const char *text, size_t len, char for_one, char *letters)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char c = undo_swap(text[i], for_one);

        if ((unsigned char)c >= 0x80)
            return false; /* no word of ours */
        if (is_lower(c))
            letters[n++] = c;
    }
    return n <= 2 * SEGS__WORD_MAX_BYTES && is_made_of_words(letters, n);
}

/* A common word inside digits and signs: both with what stands around it cut off first ("Password1!")
 * and with every swap undone first ("$unshine"). */
static bool is_common_word(const char *text, size_t len, char *letters)
{
    size_t start = 0;
    size_t end = len;

    while (start < end && !is_lower(text[start]) && (unsigned char)text[start] < 0x80)
        start++;
    while (end > start && !is_lower(text[end - 1]) && (unsigned char)text[end - 1] < 0x80)
        end--;
    return letters_are_common(text + start, end - start, 'i', letters) ||
           letters_are_common(text + start, end - start, 'l', letters) ||
           letters_are_common(text + start, len - start, 'i', letters) ||
           letters_are_common(text, end, 'i', letters) ||
           letters_are_common(text, len, 'i', letters) ||
           letters_are_common(text, len, 'l', letters);
}

static bool contains_fold(const char *lower, size_t len, const char *word, size_t word_len)
{
    for (size_t at = 0; at + word_len <= len; at++) {
        size_t i = 0;

        while (i < word_len && lower[at + i] == to_lower(word[i]))
            i++;
        if (i == word_len)
            return true;
    }
    return false;
}

static bool is_made_of_context(const char *lower, size_t len, const struct segs_password_policy *p)
{
    for (int64_t i = 0; i < p->n_context_words; i++) {
        const char *word = p->context_words[i];
        size_t word_len = word ? strlen(word) : 0;

        if (word_len >= CONTEXT_WORD_MIN_BYTES && word_len <= len &&
            len - word_len < CONTEXT_REST_MIN_BYTES && contains_fold(lower, len, word, word_len))
            return true;
    }
    return false;
}

int segs_password_check(const char *password, size_t len, const struct segs_password_policy *policy,
                        struct segs_error *reterr)
{
    char lower[SEGS_PASSWORD_MAX_BYTES];
    char letters[SEGS_PASSWORD_MAX_BYTES];
    struct segs_password_policy p;
    const char *why = NULL;
    int r;

    if (!password)
        return segs__fail(reterr, SEGS_EINVAL, "password", -1, "expected a password");
    if ((r = read_policy(policy, &p, reterr)) < 0 ||
        (r = check_chars(password, len, &p, reterr)) < 0)
        return r;

    for (size_t i = 0; i < len; i++)
        lower[i] = to_lower(password[i]);
    if (is_repeated(lower, len))
        why = "expected more than a few characters repeated";
    else if (is_walk(lower, len))
        why = "expected more than a run of neighbouring characters or keys";
    else if (is_number(lower, len))
        why = "expected more than a date or number";
    else if (is_made_of_context(lower, len, &p))
        why = "expected more than a name that belongs to the account";
    else if (is_common_word(lower, len, letters))
        why = "expected something other than a common password";
    OPENSSL_cleanse(lower, sizeof lower);
    OPENSSL_cleanse(letters, sizeof letters);
    return why ? segs__fail(reterr, SEGS_ECONFLICT, "password", -1, "%s", why) : 0;
}
