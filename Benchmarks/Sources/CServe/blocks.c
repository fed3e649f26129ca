#include "blocks.h"

struct block *free_blocks[block_class_count];
