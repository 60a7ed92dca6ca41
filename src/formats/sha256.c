/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4), with the processor's instructions for it where there are: a checkpoint has
 * a gigabyte to digest. */
#include "src/formats/bytes.h"

#include "src/formats/byteorder.h"

#include <string.h>

static const uint32_t sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t sha256_rotr(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void one_block(uint32_t h[8], const uint8_t *p)
{
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++, p += 4)
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (sha256_rotr(a, 7) ^ sha256_rotr(a, 18) ^ a >> 3) + w[i - 7] +
               (sha256_rotr(b, 17) ^ sha256_rotr(b, 19) ^ b >> 10);
    }
    memcpy(v, h, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t e = v[4], a = v[0];
        uint32_t t1 = v[7] + (sha256_rotr(e, 6) ^ sha256_rotr(e, 11) ^ sha256_rotr(e, 25)) +
                      ((e & v[5]) ^ (~e & v[6])) + sha256_k[i] + w[i];
        uint32_t t2 = (sha256_rotr(a, 2) ^ sha256_rotr(a, 13) ^ sha256_rotr(a, 22)) +
                      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}

static void blocks_portable(uint32_t h[8], const uint8_t *p, size_t count)
{
    for (; count; count--, p += 64)
        one_block(h, p);
}

/* Tests leave the instructions out. */
#if defined(__x86_64__) && !defined(VS_SHA256_PORTABLE)
#define SHA256_X86
#include <cpuid.h>
#include <immintrin.h>

/* The instructions keep the state as (A B E F) and (C D G H) and do two rounds at a time. */
__attribute__((target("sha,sse4.1,ssse3"))) static void blocks_x86(uint32_t h[8], const uint8_t *p,
                                                                  size_t count)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)h), 0xb1);
    __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(h + 4)), 0x1b);
    __m128i abef = _mm_alignr_epi8(abcd, efgh, 8), cdgh = _mm_blend_epi16(efgh, abcd, 0xf0);
    for (; count; count--, p += 64) {
        __m128i m[4], abef0 = abef, cdgh0 = cdgh;
        for (int g = 0; g < 16; g++) {
            if (g < 4) {
                const __m128i *in = (const __m128i *)(const void *)(p + 16 * g);
                m[g] = _mm_shuffle_epi8(_mm_loadu_si128(in), swap);
            } else {
                __m128i w = _mm_sha256msg1_epu32(m[g & 3], m[(g + 1) & 3]);
                w = _mm_add_epi32(w, _mm_alignr_epi8(m[(g + 3) & 3], m[(g + 2) & 3], 4));
                m[g & 3] = _mm_sha256msg2_epu32(w, m[(g + 3) & 3]);
            }
            const __m128i *k = (const __m128i *)(const void *)(sha256_k + 4 * g);
            __m128i x = _mm_add_epi32(m[g & 3], _mm_loadu_si128(k));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, x);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(x, 0x0e));
        }
        abef = _mm_add_epi32(abef, abef0);
        cdgh = _mm_add_epi32(cdgh, cdgh0);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)(void *)h, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)(h + 4), _mm_alignr_epi8(dchg, feba, 8));
}

static int ask_processor(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1))
        return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1u << 29);
}

/* Asked once: in a virtual machine the question itself takes microseconds. */
static int has_sha(void)
{
    static _Atomic int answer; /* 0 not asked, 1 no, 2 yes */
    int known = answer;
    if (!known)
        answer = known = 1 + (ask_processor() != 0);
    return known == 2;
}
#endif

static void sha256_blocks(uint32_t h[8], const uint8_t *p, size_t count)
{
#ifdef SHA256_X86
    if (has_sha()) {
        blocks_x86(h, p, count);
        return;
    }
#endif
    blocks_portable(h, p, count);
}

void sha256_init(struct sha256 *s)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(s->state, start, sizeof start);
    s->length = 0;
}

void sha256_add(struct sha256 *s, const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t have = (size_t)(s->length & 63);
    if (len == 0) /* data may be NULL then */
        return;
    s->length += len;
    if (have) {
        size_t take = len < 64 - have ? len : 64 - have;
        memcpy(s->block + have, p, take);
        p += take, len -= take, have += take;
        if (have < 64)
            return;
        sha256_blocks(s->state, s->block, 1);
    }
    sha256_blocks(s->state, p, len / 64);
    p += len & ~(size_t)63;
    len &= 63;
    if (len)
        memcpy(s->block, p, len);
}

void sha256_numbers(struct sha256 *s, const void *data, size_t count, size_t size)
{
    uint8_t x[8];
    if (HOST_LITTLE) {
        sha256_add(s, data, count * size);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        le_copy(x, (const uint8_t *)data + i * size, 1, size);
        sha256_add(s, x, size);
    }
}

void sha256_hex(struct sha256 *s, char hex[DIGEST_HEX])
{
    uint64_t bits = s->length * 8;
    uint8_t tail[72] = {0x80};
    size_t pad = 64 - (size_t)((s->length + 8) & 63);
    for (int i = 0; i < 8; i++)
        tail[pad + (size_t)i] = (uint8_t)(bits >> (56 - 8 * i));
    sha256_add(s, tail, pad + 8);
    for (int i = 0; i < 32; i++) {
        uint8_t b = (uint8_t)(s->state[i / 4] >> (24 - 8 * (i % 4)));
        hex[2 * i] = "0123456789abcdef"[b >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[b & 15];
    }
    hex[64] = '\0';
}

void digest_bytes(const void *data, size_t len, char hex[DIGEST_HEX])
{
    struct sha256 s;
    sha256_init(&s);
    if (len)
        sha256_add(&s, data, len);
    sha256_hex(&s, hex);
}
