// The blocks that outgoing bytes are gathered in. A block has 2^class bytes; free ones are kept, the last used first.
#ifndef CSERVE_BLOCKS_H
#define CSERVE_BLOCKS_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "cserve.h"

enum { block_class_count = 32, block_class_first = 10 };

struct block {
    struct block *next;
};

extern struct block *free_blocks[block_class_count];

static inline unsigned block_class(size_t bytes) {
    unsigned class = block_class_first;
    while (((size_t)1 << class) < bytes) class++;
    return class;
}

static inline uint8_t *take_block(unsigned class) {
    struct block *block = free_blocks[class];
    if (block != NULL) {
        free_blocks[class] = block->next;
    } else {
        block = malloc((size_t)1 << class);
        if (block == NULL) cserve_fail("malloc", errno);
    }
    return (uint8_t *)block;
}

static inline void return_block(uint8_t *bytes, unsigned class) {
    struct block *block = (struct block *)bytes;
    block->next = free_blocks[class];
    free_blocks[class] = block;
}

#endif
