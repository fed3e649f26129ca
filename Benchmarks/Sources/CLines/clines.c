#include "clines.h"

#include <stdbool.h>
#include <string.h>

// About half a microsecond for a line of 30 bytes, which is what a chat server needs to find out for whom it is.
enum { rounds = 16 };

static uint32_t weigh(uint32_t weight, const uint8_t *line, size_t length) {
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < length; i++) weight = (weight ^ line[i]) * 16777619u;
    }
    return weight;
}

// A piece without an end joins what is kept, as far as there is room.
static void keep(struct clines *lines, const uint8_t *bytes, size_t length) {
    const size_t room = clines_kept_max - lines->kept_bytes;
    const size_t taken = length < room ? length : room;
    memcpy(lines->kept + lines->kept_bytes, bytes, taken);
    lines->kept_bytes += (uint32_t)taken;
}

size_t clines_next_question(struct clines *lines, const uint8_t *bytes, size_t length, size_t *position,
                            const uint8_t **line) {
    while (*position < length) {
        const uint8_t *start = bytes + *position;
        const uint8_t *end = memchr(start, '\n', length - *position);
        if (end == NULL) {
            keep(lines, start, length - *position);
            *position = length;
            return 0;
        }
        size_t line_bytes = (size_t)(end - start) + 1;
        *position += line_bytes;
        if (lines->kept_bytes > 0) {
            keep(lines, start, line_bytes);
            start = lines->kept;
            line_bytes = lines->kept_bytes;
            lines->kept_bytes = 0;
        }
        lines->count++;
        lines->weight = weigh(lines->weight, start, line_bytes);
        // One that was too long has lost its end.
        if (start[0] == '?' && start[line_bytes - 1] == '\n') {
            *line = start;
            return line_bytes;
        }
    }
    return 0;
}
