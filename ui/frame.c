/* The one writer to the terminal. */
#include "src/err.h"
