#include "cpattern.h"

#include <stdlib.h>

uint8_t *cpattern_create(size_t extra) {
    uint8_t *pattern = malloc(cpattern_period + extra);
    if (pattern == NULL) return NULL;
    uint64_t state = 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < cpattern_period; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        pattern[i] = (uint8_t)(state >> 32);
    }
    for (size_t i = 0; i < extra; i++) pattern[cpattern_period + i] = pattern[i % cpattern_period];
    return pattern;
}
