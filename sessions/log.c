/* Where the log lives. */
#include "sessions/log.h"
