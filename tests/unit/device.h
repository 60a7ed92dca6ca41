/* SPDX-License-Identifier: MIT */
/* Whether this processor can compute on a device at all. */
#ifndef DEVICE_H
#define DEVICE_H

#include "kernels/kern.h"
#include "tap.h"

/* The back ends of processors of this kind, beside "ref". */
#ifdef __aarch64__
#define DEVICE_CPUS "cpu-portable", "cpu-neon"
#else
#define DEVICE_CPUS "cpu-portable", "cpu-avx2", "cpu-avx512"
#endif
#define DEVICES(list) ((int)(sizeof(list) / sizeof((list)[0])))

/* True, and what is skipped, when the program knows the device and the processor lacks its
 * instructions, or it is for processors of another kind. Whatever else keeps a device from opening
 * is not excused: the caller fails. */
static inline bool device_lacks(const char *device, const char *what)
{
    struct kern_device d;
    bool x86 = strncmp(device, "cpu-avx", 7) == 0;
    for (int i = 0; kern_device(i, &d); i++)
        if (strcmp(d.name, device) == 0) {
            x86 = false;
            if (!d.usable && strncmp(device, "cpu", 3) == 0) {
                tap_skip("%s on %s: %s", what, device, d.text);
                return true;
            }
        }
    if (x86)
        tap_skip("%s on %s: not a processor of that kind", what, device);
    return x86;
}

#endif
