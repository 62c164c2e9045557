#include <string.h>

#include <openssl/crypto.h>

#include "auth/auth_internal.h"
#include "base/base_internal.h"

int segs__document_open(struct segs__document *document, const char *text, size_t len,
                        const struct segs_allocator *allocator, struct segs_error *reterr)
{
    size_t n_nodes = segs__json_node_bound(text, len);

    document->allocator = allocator;
    document->len = len;
    document->json.text = segs__alloc(allocator, len + 1);
    document->nodes = segs__alloc_array(allocator, n_nodes, sizeof document->nodes[0]);
    if (!document->json.text || !document->nodes)
        return segs__fail(reterr, SEGS_ENOMEM, NULL, -1, "out of memory");
    memcpy(document->json.text, text, len);
    return segs__json_parse(document->json.text, len, document->nodes, n_nodes, &document->json,
                            reterr);
}

void segs__document_close(struct segs__document *document)
{
    if (document->json.text)
        OPENSSL_cleanse(document->json.text, document->len);
    segs__release(document->allocator, document->json.text);
    segs__release(document->allocator, document->nodes);
}
