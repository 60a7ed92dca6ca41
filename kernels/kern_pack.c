/* SPDX-License-Identifier: MIT */
/* Packing the weights of products once. */
#include "kernels/kern_pack.h"

size_t kern_pack_size(const struct kern *k, int n, int length)
{
    if (k->gpu || k->ops == &kern_ops_ref)
        return 0;
    return kern_panels_size(n, length, 1, 1, 1);
}

void kern_pack(const void *w, int n, int length, float *out)
{
    ptrdiff_t ldw = 4 * (ptrdiff_t)length;
    for (int j = 0; j < n; j += KERN_PANEL)
        pack_panel((const char *)w + j * ldw, ldw, n - j, length, out + (ptrdiff_t)j * length);
}
