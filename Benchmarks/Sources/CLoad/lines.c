// Messages that are lines: the pattern as letters, with a line feed where each message ends.
#include <errno.h>
#include <stdlib.h>

#include "engine.h"

// So many different lines at least, so that another connection's line shows.
enum { line_count_min = 61, line_bytes_max = 1 << 16 };

int lines_set_up(struct engine *engine) {
    const uint32_t line_bytes = engine->message_bytes;
    if (line_bytes < 2 || line_bytes > line_bytes_max) return EINVAL;
    const uint32_t fitting = cpattern_period / line_bytes;
    const uint32_t count = fitting > line_count_min ? fitting : line_count_min;
    engine->line_period = count * line_bytes;
    const uint32_t length = engine->line_period + piece_bytes_max;
    engine->lines = malloc(length);
    if (engine->lines == NULL) return ENOMEM;
    for (uint32_t i = 0; i < length; i++) {
        const uint32_t place = i % engine->line_period;
        const uint8_t letter = (uint8_t)('a' + engine->pattern[place % cpattern_period] % 26);
        engine->lines[i] = (place + 1) % line_bytes == 0 ? '\n' : letter;
    }
    // Each connection begins with another line, as long as there are.
    for (uint32_t i = 0; i < engine->connection_count; i++) {
        engine->connections[i].phase = (uint32_t)((uint64_t)i * 7919 % count) * line_bytes;
    }
    return 0;
}
