// What a server of lines does with each: all contenders of `flood` and the like call this, so that a line costs the same
// everywhere, whichever loop has brought it.
#ifndef CLINES_H
#define CLINES_H

#include <stddef.h>
#include <stdint.h>

// A longer line is looked at, and never answered.
enum { clines_kept_max = 128 };

// The lines of one connection; all zero to begin with.
struct clines {
    uint8_t kept[clines_kept_max];  // the beginning of a line whose end has not come
    uint32_t kept_bytes;
    uint32_t weight;  // of all lines so far, so that the work has a result
    uint64_t count;   // lines so far
};

// Goes on in `bytes` from `*position`, and stops behind the next whole line that begins with '?'. Its length with its
// "\n"; the line itself is at `*line` until the next call. 0 when all is consumed: what is left of a line is kept.
size_t clines_next_question(struct clines *lines, const uint8_t *bytes, size_t length, size_t *position,
                            const uint8_t **line);

#endif
