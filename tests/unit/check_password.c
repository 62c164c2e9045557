#include <segs/password.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <crypt.h>

/* libcrypt through Perl: crypt("correct horse", "$y$j75$k2XAnEHBqQ1Ct2aMXFKNa/"), the setting being
 * crypt_gensalt("$y$", 1, "0123456789abcdef"). */
#define YESCRYPT "$y$j75$k2XAnEHBqQ1Ct2aMXFKNa/$E9XAySfP6N2THWdzNKesSVmhpcmhNusa8y5TMfT668."
/* Perl again: crypt("correct horse", "$2b$04$abcdefghijklmnopqrstuu"). */
#define BCRYPT "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"
/* Openwall's published vector for "U*U". */
#define BCRYPT_OPENWALL "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

static const char salt[] = "0123456789abcdef";

static struct segs_password_options cheap(void)
{
    struct segs_password_options o = SEGS_PASSWORD_OPTIONS_INIT;

    o.cost = 1;
    return o;
}

static int verify(const char *password, const char *hash)
{
    return segs_password_verify(password, strlen(password), hash, NULL);
}

START_TEST(hashing_gives_the_known_text)
{
    struct segs_password_options o = cheap();
    char hash[SEGS_PASSWORD_HASH_BYTES];

    ck_assert_int_eq(segs_password_hash("correct horse", 13, salt, &o, hash, sizeof hash), 0);
    ck_assert_str_eq(hash, YESCRYPT);
}
END_TEST

START_TEST(known_hashes_are_verified)
{
    ck_assert_int_eq(verify("correct horse", YESCRYPT), 0);
    ck_assert_int_eq(verify("correct horse", BCRYPT), 0);
    ck_assert_int_eq(verify("U*U", BCRYPT_OPENWALL), 0);
    ck_assert_int_eq(verify("correct horsf", YESCRYPT), SEGS_EDENIED);
    ck_assert_int_eq(verify("correct hors", YESCRYPT), SEGS_EDENIED);
    ck_assert_int_eq(verify("correct horse ", YESCRYPT), SEGS_EDENIED);
    ck_assert_int_eq(verify("Correct horse", BCRYPT), SEGS_EDENIED);
}
END_TEST

START_TEST(every_changed_character_of_a_hash_is_refused)
{
    char hash[sizeof YESCRYPT];

    for (size_t i = 0; i < sizeof YESCRYPT - 1; i++) {
        int r;

        memcpy(hash, YESCRYPT, sizeof hash);
        hash[i] = hash[i] == 'x' ? 'z' : 'x';
        r = verify("correct horse", hash);
        ck_assert_msg(r == SEGS_EDENIED || r == SEGS_ENOTSUP, "%zu: %d", i, r);
    }
}
END_TEST

START_TEST(hashes_of_other_kinds_are_not_supported)
{
    static const char *const hashes[] = {
        "",
        "*0",
        "*1",
        "x",
        "abJnggxhB/yWI",
        "$1$abcdefgh$G//4keteveJp0qb8z2DxG/",
        "$5$rounds=5000$saltstring$x",
        "$6$saltstring$x",
        "$2b$31$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
        "$2b$03$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
        "$2x$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
        "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6",
        "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e ",
        "$y$jzT$k2XAnEHBqQ1Ct2aMXFKNa/$x",
        "$y$",
        "$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$x",
    };

    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++)
        ck_assert_msg(verify("correct horse", hashes[i]) == SEGS_ENOTSUP, "%s", hashes[i]);
}
END_TEST

START_TEST(no_byte_of_a_long_password_is_ignored)
{
    static const size_t lens[] = { 73, 511, 512, 513, 1024 };
    struct segs_password_options o = cheap();
    char password[1024];
    char hash[SEGS_PASSWORD_HASH_BYTES];
    size_t len = lens[_i];

    memset(password, 'p', sizeof password);
    ck_assert_int_eq(segs_password_hash(password, len, salt, &o, hash, sizeof hash), 0);
    ck_assert_int_eq(segs_password_verify(password, len, hash, NULL), 0);
    password[len - 1] = 'q';
    ck_assert_int_eq(segs_password_verify(password, len, hash, NULL), SEGS_EDENIED);
    password[len - 1] = 'p';
    ck_assert_int_eq(segs_password_verify(password, len - 1, hash, NULL), SEGS_EDENIED);
}
END_TEST

START_TEST(lengths_and_nul_bytes_are_refused)
{
    struct segs_password_options o = cheap();
    char password[1025];
    char hash[SEGS_PASSWORD_HASH_BYTES] = "untouched";

    memset(password, 'p', sizeof password);
    ck_assert_int_eq(segs_password_hash(password, 1025, salt, &o, hash, sizeof hash), SEGS_ERANGE);
    ck_assert_int_eq(segs_password_hash(password, 0, salt, &o, hash, sizeof hash), SEGS_ERANGE);
    ck_assert_int_eq(segs_password_hash("a\0b", 3, salt, &o, hash, sizeof hash), SEGS_ESYNTAX);
    ck_assert_int_eq(segs_password_hash("abc", 3, salt, &o, hash, sizeof hash - 1), SEGS_EINVAL);
    ck_assert_int_eq(segs_password_hash("abc", 3, NULL, &o, hash, sizeof hash), SEGS_EINVAL);
    o.cost = 12;
    ck_assert_int_eq(segs_password_hash("abc", 3, salt, &o, hash, sizeof hash), SEGS_ERANGE);
    o.cost = -1;
    ck_assert_int_eq(segs_password_hash("abc", 3, salt, &o, hash, sizeof hash), SEGS_ERANGE);
    ck_assert_str_eq(hash, "untouched");
    ck_assert_int_eq(segs_password_verify(password, 1025, YESCRYPT, NULL), SEGS_EDENIED);
    ck_assert_int_eq(segs_password_verify("", 0, YESCRYPT, NULL), SEGS_EDENIED);
    ck_assert_int_eq(segs_password_verify("correct horse\0", 14, YESCRYPT, NULL), SEGS_EDENIED);
    ck_assert_int_eq(segs_password_verify(NULL, 0, YESCRYPT, NULL), SEGS_EINVAL);
    ck_assert_int_eq(segs_password_verify("a", 1, NULL, NULL), SEGS_EINVAL);
}
END_TEST

START_TEST(a_missing_user_is_denied_after_the_same_work)
{
    struct segs_password_options o = cheap();

    ck_assert_int_eq(segs_password_verify_dummy("correct horse", 13, &o), SEGS_EDENIED);
    ck_assert_int_eq(segs_password_verify_dummy("", 0, &o), SEGS_EDENIED);
    ck_assert_int_eq(segs_password_verify_dummy(NULL, 0, &o), SEGS_EINVAL);
    o.cost = 99;
    ck_assert_int_eq(segs_password_verify_dummy("correct horse", 13, &o), SEGS_ERANGE);
}
END_TEST

START_TEST(weaker_and_older_hashes_need_a_new_one)
{
    struct segs_password_options o = SEGS_PASSWORD_OPTIONS_INIT;
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];

    /* libcrypt itself says what the parameters of each cost look like. */
    for (int64_t cost = 1; cost <= 11; cost++) {
        ck_assert_ptr_nonnull(
            crypt_gensalt_rn("$y$", (unsigned long)cost, salt, 16, setting, sizeof setting));
        for (o.cost = 1; o.cost <= 11; o.cost++)
            ck_assert_int_eq(segs_password_needs_rehash(setting, &o), cost < o.cost);
    }
    o.cost = 1;
    ck_assert_int_eq(segs_password_needs_rehash(BCRYPT, &o), 1);
    ck_assert_int_eq(segs_password_needs_rehash("", &o), 1);
    ck_assert_int_eq(segs_password_needs_rehash(YESCRYPT, &o), 0);
    ck_assert_int_eq(segs_password_needs_rehash(YESCRYPT, NULL), 1);
    ck_assert_int_eq(segs_password_needs_rehash(NULL, &o), SEGS_EINVAL);
}
END_TEST

/* ---- policy ---- */

static int check(const char *password)
{
    return segs_password_check(password, strlen(password), NULL, NULL);
}

START_TEST(length_counts_characters_not_bytes)
{
    char password[600];

    ck_assert_int_eq(check("kTz9wQm"), SEGS_ERANGE);
    ck_assert_int_eq(check("kTz9wQmx"), 0);
    ck_assert_int_eq(check("\xC3\xA4\xC3\xB6\xC3\xBC\xC3\x9F"), SEGS_ERANGE);
    ck_assert_int_eq(check("\xC3\xA4kT\xC3\xB6z9\xC3\xBCw"), 0);
    password[0] = '\0';
    for (int i = 0; i < 128; i++) /* U+1F600 .. U+1F63F, twice: 512 bytes */
        (void)snprintf(password + 4 * i, 5, "\xF0\x9F\x98%c", (char)(0x80 + i * 7 % 64));
    ck_assert_uint_eq(strlen(password), 512);
    ck_assert_int_eq(check(password), 0);
    memcpy(password + 512, "x", 2);
    ck_assert_int_eq(check(password), SEGS_ERANGE);
}
END_TEST

START_TEST(characters_are_any_text_but_controls)
{
    ck_assert_int_eq(check("correct horse battery staple"), 0);
    ck_assert_int_eq(check("kTz9\x07wQmx"), SEGS_ESYNTAX);
    ck_assert_int_eq(check("kTz9\x7FwQmx"), SEGS_ESYNTAX);
    ck_assert_int_eq(check("kTz9\xC2\x85wQmx"), SEGS_ESYNTAX);
    ck_assert_int_eq(check("kTz9\xFFwQmx"), SEGS_ESYNTAX);
    ck_assert_int_eq(segs_password_check("kTz9\0wQmx", 9, NULL, NULL), SEGS_ESYNTAX);
}
END_TEST

START_TEST(there_are_no_composition_rules)
{
    ck_assert_int_eq(check("vkzqmwhtrb"), 0);
    ck_assert_int_eq(check("VKZQMWHTRB"), 0);
    ck_assert_int_eq(check("40718236591"), 0);
    ck_assert_int_eq(check("wool tunnel cabbage"), 0);
    ck_assert_int_eq(check("Tr0ub4dor&3"), 0);
}
END_TEST

START_TEST(common_passwords_are_refused)
{
    static const char *const passwords[] = {
        "password",     "Password1",    "P@ssw0rd",      "P@$$w0rd!",     "passw0rd123",
        "12345678",     "123456789",    "1234567890",    "87654321",      "11111111",
        "00000000",     "abcdefgh",     "abcd1234",      "aaaaaaaa",      "abababab",
        "abc123abc123", "qwertyuiop",   "qwerty123",     "asdfghjkl",     "1qaz2wsx",
        "zaq12wsx",     "qazwsxedc",    "iloveyou",      "ILoveYou2",     "sunshine1",
        "$unshine",     "football!",    "Liverpool2019", "michael1987",   "letmein!!",
        "welcome123",   "Welcome@2024", "admin123",      "administrator", "changeme1",
        "monkeymonkey", "dragonmaster", "superman99",    "trustno1!!",    "princess1",
        "19841984",     "01/02/1990",   "1990-02-01",    "9876543210",    "smartmeter1",
        "energy2024",   "India@123",    "jesuschrist",   "qwertyqwerty",  "computer!",
        "112233445566", "abcabcabc",    "zxcvbnm1",      "0987654321",    "baseball12",
    };

    for (size_t i = 0; i < sizeof passwords / sizeof passwords[0]; i++)
        ck_assert_msg(check(passwords[i]) == SEGS_ECONFLICT, "%s", passwords[i]);
}
END_TEST

START_TEST(names_of_the_account_do_not_make_a_password)
{
    static const char *const words[] = { "anna.smith", "Utopia", "abc", NULL };
    struct segs_password_policy p = SEGS_PASSWORD_POLICY_INIT;
    struct segs_error err;

    p.context_words = words;
    p.n_context_words = 4;
    ck_assert_int_eq(segs_password_check("Anna.Smith77", 12, &p, &err), SEGS_ECONFLICT);
    ck_assert_str_eq(err.message, "expected more than a name that belongs to the account");
    ck_assert_int_eq(segs_password_check("xUTOPIA12", 9, &p, NULL), SEGS_ECONFLICT);
    ck_assert_int_eq(segs_password_check("utopia kTz9wQ", 13, &p, NULL), 0);
    ck_assert_int_eq(segs_password_check("abc kTz9w", 9, &p, NULL), 0);
}
END_TEST

START_TEST(limits_of_the_policy_are_checked)
{
    struct segs_password_policy p = SEGS_PASSWORD_POLICY_INIT;
    struct segs_error err;

    p.min_chars = 15;
    ck_assert_int_eq(segs_password_check("kTz9wQmxkTz9wP", 14, &p, &err), SEGS_ERANGE);
    ck_assert_str_eq(err.message, "expected 15 to 128 characters, found 14");
    ck_assert_str_eq(err.field, "password");
    p.min_chars = 7;
    ck_assert_int_eq(segs_password_check("kTz9wQmx", 8, &p, NULL), SEGS_ERANGE);
    p.min_chars = 65;
    ck_assert_int_eq(segs_password_check("kTz9wQmx", 8, &p, NULL), SEGS_ERANGE);
    p.min_chars = 0;
    p.max_chars = 63;
    ck_assert_int_eq(segs_password_check("kTz9wQmx", 8, &p, NULL), SEGS_ERANGE);
    p.max_chars = 0;
    p.n_context_words = 1;
    ck_assert_int_eq(segs_password_check("kTz9wQmx", 8, &p, NULL), SEGS_ERANGE);
    ck_assert_int_eq(segs_password_check(NULL, 0, NULL, NULL), SEGS_EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("password");
    TCase *tc = tcase_create("password");
    SRunner *runner;
    int n_failed;

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, hashing_gives_the_known_text);
    tcase_add_test(tc, known_hashes_are_verified);
    tcase_add_test(tc, every_changed_character_of_a_hash_is_refused);
    tcase_add_test(tc, hashes_of_other_kinds_are_not_supported);
    tcase_add_loop_test(tc, no_byte_of_a_long_password_is_ignored, 0, 5);
    tcase_add_test(tc, lengths_and_nul_bytes_are_refused);
    tcase_add_test(tc, a_missing_user_is_denied_after_the_same_work);
    tcase_add_test(tc, weaker_and_older_hashes_need_a_new_one);
    tcase_add_test(tc, length_counts_characters_not_bytes);
    tcase_add_test(tc, characters_are_any_text_but_controls);
    tcase_add_test(tc, there_are_no_composition_rules);
    tcase_add_test(tc, common_passwords_are_refused);
    tcase_add_test(tc, names_of_the_account_do_not_make_a_password);
    tcase_add_test(tc, limits_of_the_policy_are_checked);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
