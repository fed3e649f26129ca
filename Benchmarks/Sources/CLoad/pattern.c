#include <errno.h>
#include <stdlib.h>

#include "engine.h"

int pattern_create(struct engine *engine) {
    engine->pattern = malloc(pattern_period + piece_bytes_max);
    engine->incoming = malloc(piece_bytes_max);
    if (engine->pattern == NULL || engine->incoming == NULL) return ENOMEM;
    uint64_t state = 0x9e3779b97f4a7c15u;
    for (uint32_t i = 0; i < pattern_period; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        engine->pattern[i] = (uint8_t)(state >> 32);
    }
    for (uint32_t i = 0; i < piece_bytes_max; i++) {
        engine->pattern[pattern_period + i] = engine->pattern[i % pattern_period];
    }
    return 0;
}
