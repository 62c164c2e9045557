#include "simulator/sender.h"

#include "runtime/clock.h"
#include "runtime/errors.h"
#include "runtime/log.h"
#include "simulator/model.h"

int64_t sim_retry_delay_ms(int64_t base_ms, int64_t attempt, int64_t retry_after_ms,
                           uint64_t random)
{
    int64_t delay_ms = base_ms;

    while (attempt-- > 1 && delay_ms < SIM_RETRY_MAX_MS)
        delay_ms *= 2;
    if (delay_ms > SIM_RETRY_MAX_MS)
        delay_ms = SIM_RETRY_MAX_MS;
    delay_ms -= (int64_t)(random % (uint64_t)(delay_ms / 2 + 1));
    return delay_ms > retry_after_ms ? delay_ms : retry_after_ms;
}

static void wait_before_retry(const struct sim_delivery *delivery, int64_t delay_ms)
{
    int64_t until_ms = rt_monotonic_ms() + delay_ms;
    int64_t left_ms;

    while (!atomic_load(delivery->give_up) && (left_ms = until_ms - rt_monotonic_ms()) > 0)
        rt_sleep_ms(left_ms < 20 ? left_ms : 20);
}

static void settle(const struct sim_delivery *delivery, struct sim_batch *batch,
                   const struct sim_answer *answer)
{
    struct sim_counts delta = { .answered = (int64_t)batch->n,
                                .accepted = answer->accepted,
                                .rejected = answer->rejected,
                                .duplicates_reported = answer->duplicates,
                                .batches = 1 };

    delta.miscounted =
        answer->accepted + answer->duplicates + answer->rejected != (int64_t)batch->n;
    sim_batch_settle(batch, &delta);
    sim_account_add(delivery->account, &delta);
}

/* What became of one try while the batch is not answered. */
struct tries {
    int64_t n;
    bool sent;      /* At least one try left this process. */
    bool may_exist; /* At least one try may have arrived. */
};

static void drop(const struct sim_delivery *delivery, struct sim_batch *batch,
                 const struct tries *tries, enum sim_outcome why)
{
    struct sim_counts delta = { 0 };
    int64_t n = (int64_t)batch->n - sim_batch_settle_stored(batch, &delta);

    delta.unresolved = tries->may_exist ? n : 0;

    if (why == SIM_REFUSED)
        delta.dropped_refused = n;
    else if (atomic_load(delivery->give_up))
        delta.dropped_stopped = n;
    else
        delta.dropped_unavailable = n;
    sim_account_add(delivery->account, &delta);
}

static void note_failure(const struct sim_delivery *delivery, const struct tries *tries,
                         const struct sim_answer *answer, const struct segs_error *err)
{
    struct sim_counts delta = { .ambiguous = answer->outcome == SIM_AMBIGUOUS };

    sim_account_add(delivery->account, &delta);
    if (answer->outcome == SIM_REFUSED)
        rt_log(RT_LOG_ERROR, "the target refuses a batch, its readings are lost",
               RT_INT("status", answer->status), RT_STR("error", err->message));
    else if (tries->n == 1)
        rt_log(RT_LOG_WARN, "a batch was not taken and will be sent again",
               RT_INT("status", answer->status), RT_STR("error", err->message));
}

static void try_once(const struct sim_delivery *delivery, struct sim_target *target,
                     struct sim_batch *batch, struct tries *tries, struct sim_answer *answer)
{
    struct segs_error err = { 0 };
    const struct sim_answer nothing = { .outcome = SIM_UNAVAILABLE, .retry_after_ms = -1 };
    struct sim_counts delta = { .retries = tries->n > 0 };

    if (!tries->sent)
        delta.sent = (int64_t)batch->n;
    sim_account_add(delivery->account, &delta);
    tries->sent = true;
    tries->n++;
    *answer = nothing;
    target->send(target, batch, answer, &err);
    if (answer->outcome == SIM_AMBIGUOUS)
        tries->may_exist = true;
    if (answer->outcome != SIM_ANSWERED)
        note_failure(delivery, tries, answer, &err);
}

void sim_deliver(const struct sim_delivery *delivery, struct sim_target *target,
                 struct sim_batch *batch)
{
    struct tries tries = { 0 };
    struct sim_answer answer = { .outcome = SIM_UNAVAILABLE };

    while (!atomic_load(delivery->give_up)) {
        uint64_t random;

        try_once(delivery, target, batch, &tries, &answer);
        if (answer.outcome == SIM_ANSWERED) {
            settle(delivery, batch, &answer);
            return;
        }
        if (answer.outcome == SIM_REFUSED ||
            (delivery->retry_attempts > 0 && tries.n > delivery->retry_attempts))
            break;
        random = sim_hash((uint64_t)batch->due_ms, (uint64_t)tries.n, batch->n, 0);
        wait_before_retry(delivery, sim_retry_delay_ms(delivery->retry_delay_ms, tries.n,
                                                       answer.retry_after_ms, random));
    }
    drop(delivery, batch, &tries, answer.outcome);
}
