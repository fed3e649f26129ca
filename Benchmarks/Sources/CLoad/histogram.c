#include "CLoad.h"

#include <stdbool.h>
#include <stdlib.h>

// Values below 2^sub_bits have a bucket each; above, each power of two is divided into 2^(sub_bits - 1).
enum { sub_bits = 7, sub_half = 1 << (sub_bits - 1), value_bits_max = 40 };
enum { bucket_count = (value_bits_max - sub_bits + 2) * sub_half };

struct cload_histogram {
    uint64_t count;
    uint64_t max;
    uint64_t sum;
    uint64_t buckets[bucket_count];
};

static unsigned bucket_of(uint64_t value) {
    if (value < (1u << sub_bits)) return (unsigned)value;
    const unsigned shift = 64 - (unsigned)__builtin_clzll(value) - sub_bits;
    const unsigned index = shift * sub_half + (unsigned)(value >> shift);
    return index < bucket_count ? index : bucket_count - 1;
}

static uint64_t upper_edge(unsigned bucket) {
    if (bucket < (1u << sub_bits)) return bucket;
    const unsigned shift = bucket / sub_half - 1;
    const uint64_t sub = bucket - shift * sub_half;
    return ((sub + 1) << shift) - 1;
}

cload_histogram *cload_histogram_create(void) {
    return calloc(1, sizeof(cload_histogram));
}

void cload_histogram_destroy(cload_histogram *histogram) {
    free(histogram);
}

void cload_histogram_record(cload_histogram *histogram, uint64_t value_ns) {
    histogram->count++;
    histogram->sum += value_ns;
    if (value_ns > histogram->max) histogram->max = value_ns;
    histogram->buckets[bucket_of(value_ns)]++;
}

uint64_t cload_histogram_value_at(const cload_histogram *histogram, double fraction) {
    if (histogram->count == 0) return 0;
    const double exact = fraction * (double)histogram->count;
    uint64_t wanted = (uint64_t)exact;
    // Rounded up, but for what the product lost or gained when it was rounded itself.
    if (exact - (double)wanted > exact * 1e-12 || wanted == 0) wanted++;
    uint64_t seen = 0;
    for (unsigned bucket = 0; bucket < bucket_count; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen < wanted) continue;
        const uint64_t edge = upper_edge(bucket);
        return edge < histogram->max ? edge : histogram->max;
    }
    return histogram->max;
}

uint64_t cload_histogram_count(const cload_histogram *histogram) {
    return histogram->count;
}

uint64_t cload_histogram_max(const cload_histogram *histogram) {
    return histogram->max;
}

double cload_histogram_mean(const cload_histogram *histogram) {
    return histogram->count == 0 ? 0 : (double)histogram->sum / (double)histogram->count;
}
