/* SPDX-License-Identifier: MIT */
/* Mapping of files and SHA-256. Breaks when a digest depends on how the data was cut, or when
 * opening something that is no regular file does anything but fail with its name. */
#include "src/formats/bytes.h"
#include "tap.h"

static void digests(void)
{
    char hex[DIGEST_HEX];
    digest_bytes("", 0, hex);
    ok(strcmp(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") == 0,
       "digest of nothing");
    digest_bytes("abc", 3, hex);
    ok(strcmp(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0,
       "digest of abc");
    struct sha256 s;
    sha256_init(&s);
    for (int i = 0; i < 1000; i++)
        sha256_add(&s, "aaaaaaaaaa", (size_t)(i % 11));
    sha256_hex(&s, hex);
    char whole[DIGEST_HEX], text[6000];
    int n = 0;
    for (int i = 0; i < 1000; i++)
        n += i % 11;
    memset(text, 'a', sizeof text);
    digest_bytes(text, (size_t)n, whole);
    ok(strcmp(hex, whole) == 0, "digest does not depend on the pieces");
}

int main(void)
{
    struct bytes b;
    struct vs_err err = {0};
    digests();
    ok(bytes_open(".", &b, &err) == VS_E_FORMAT && strstr(err.text, "is a directory"),
       "a folder: %s", err.text);
    ok(bytes_open("/nonexistent/x", &b, &err) == VS_E_IO && strstr(err.text, "/nonexistent/x"),
       "no such file: %s", err.text);
    ok(bytes_open(source_path("tests/tap.h"), &b, &err) == 0 && b.size > 100, "a file");
    bytes_close(&b);
    return tap_done();
}
