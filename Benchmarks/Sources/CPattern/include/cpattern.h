// The stream of bytes that the load generator sends and expects, and that source servers send: the byte at a position
// depends on the position, so that a lost, doubled or shifted piece shows as soon as it is compared.
#ifndef CPATTERN_H
#define CPATTERN_H

#include <stddef.h>
#include <stdint.h>

enum { cpattern_period = 65521 };  // a prime: no message size falls into step with it

// `cpattern_period` + `extra` bytes, so that `extra` bytes lie in one piece from any position of the period on. NULL when
// there is no memory; free() it.
uint8_t *cpattern_create(size_t extra);

#endif
