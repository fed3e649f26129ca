// Sealed bytes on their way out, in a row of pooled blocks: what is added never moves what is there.
#ifndef CSERVE_ANSWER_H
#define CSERVE_ANSWER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#include "blocks.h"

enum { chunk_class_max = 17 };

struct chunk {
    struct chunk *next;
    uint32_t class;   // of the block that this is the beginning of
    uint32_t filled;  // of its bytes
    uint8_t bytes[];
};

struct answer {
    struct chunk *first, *last;
    size_t length;  // not sent yet, in all
    size_t start;   // of it, in the first chunk
};

static inline size_t chunk_room(const struct chunk *chunk) {
    return ((size_t)1 << chunk->class) - sizeof *chunk - chunk->filled;
}

// `expected`: how much is going to be added soon, this included. One chunk holds it, unless it is very much.
static inline void answer_add(struct answer *answer, const char *bytes, size_t size, size_t expected) {
    answer->length += size;
    while (size > 0) {
        struct chunk *chunk = answer->last;
        if (chunk == NULL || chunk_room(chunk) == 0) {
            const unsigned wanted = block_class((expected > size ? expected : size) + sizeof *chunk);
            const unsigned class = wanted < chunk_class_max ? wanted : chunk_class_max;
            chunk = (struct chunk *)take_block(class);
            *chunk = (struct chunk){.class = class};
            if (answer->last != NULL) answer->last->next = chunk;
            else answer->first = chunk;
            answer->last = chunk;
        }
        const size_t room = chunk_room(chunk), count = size < room ? size : room;
        memcpy(chunk->bytes + chunk->filled, bytes, count);
        chunk->filled += (uint32_t)count;
        bytes += count;
        size -= count;
    }
}

// Names the beginning of what is to be sent, in at most `max` pieces, and says in how many.
static inline size_t answer_pieces(const struct answer *answer, struct iovec *pieces, size_t max) {
    size_t count = 0, start = answer->start;
    for (struct chunk *chunk = answer->first; chunk != NULL && count < max; chunk = chunk->next) {
        pieces[count++] = (struct iovec){.iov_base = chunk->bytes + start, .iov_len = chunk->filled - start};
        start = 0;
    }
    return count;
}

// Drops what was sent.
static inline void answer_drop(struct answer *answer, size_t sent) {
    answer->length -= sent;
    answer->start += sent;
    while (answer->first != NULL && answer->start >= answer->first->filled) {
        struct chunk *chunk = answer->first;
        answer->start -= chunk->filled;
        answer->first = chunk->next;
        return_block((uint8_t *)chunk, chunk->class);
    }
    if (answer->first == NULL) answer->last = NULL;
}

#endif
