#include "simulator/account.h"

#include <stddef.h>
#include <string.h>

#define N_COUNTS (sizeof(struct sim_counts) / sizeof(int64_t))

static const struct {
    const char *name;
    size_t offset;
} fields[] = {
#define FIELD(name_)                                                                               \
    {                                                                                              \
#name_, offsetof(struct sim_counts, name_)                                                 \
    }
    FIELD(generated),
    FIELD(late),
    FIELD(out_of_order),
    FIELD(silent),
    FIELD(duplicates),
    FIELD(corrupt),
    FIELD(cycles),
    FIELD(behind),
    FIELD(sent),
    FIELD(answered),
    FIELD(accepted),
    FIELD(rejected),
    FIELD(duplicates_reported),
    FIELD(distinct_accepted),
    FIELD(valid_rejected),
    FIELD(corrupt_accepted),
    FIELD(miscounted),
    FIELD(dropped_refused),
    FIELD(dropped_unavailable),
    FIELD(dropped_stopped),
    FIELD(unresolved),
    FIELD(batches),
    FIELD(retries),
    FIELD(ambiguous),
#undef FIELD
};

_Static_assert(sizeof fields / sizeof fields[0] == N_COUNTS, "every count has its name");

void sim_account_init(struct sim_account *account)
{
    memset(account, 0, sizeof *account);
    (void)pthread_mutex_init(&account->lock, NULL);
}

void sim_account_destroy(struct sim_account *account)
{
    (void)pthread_mutex_destroy(&account->lock);
}

static int64_t *count_at(struct sim_counts *counts, size_t i)
{
    return (int64_t *)(void *)((char *)counts + fields[i].offset);
}

static int64_t value_at(const struct sim_counts *counts, size_t i)
{
    return *(const int64_t *)(const void *)((const char *)counts + fields[i].offset);
}

void sim_account_add(struct sim_account *account, const struct sim_counts *delta)
{
    (void)pthread_mutex_lock(&account->lock);
    for (size_t i = 0; i < N_COUNTS; i++)
        *count_at(&account->counts, i) += value_at(delta, i);
    (void)pthread_mutex_unlock(&account->lock);
}

void sim_account_get(struct sim_account *account, struct sim_counts *ret)
{
    (void)pthread_mutex_lock(&account->lock);
    *ret = account->counts;
    (void)pthread_mutex_unlock(&account->lock);
}

bool sim_counts_is_complete(const struct sim_counts *counts)
{
    return counts->distinct_accepted == counts->generated && counts->miscounted == 0 &&
           counts->corrupt_accepted == 0;
}

void sim_counts_put_json(struct rt_json_out *out, const struct sim_counts *counts)
{
    for (size_t i = 0; i < N_COUNTS; i++)
        rt_json_put_int(out, fields[i].name, value_at(counts, i));
}
