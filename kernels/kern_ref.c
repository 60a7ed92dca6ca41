/* Readable reference back end. */
#include "kernels/kern.h"

