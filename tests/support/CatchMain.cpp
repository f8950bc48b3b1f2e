#define CATCH_CONFIG_MAIN
#include "support/Catch.h"
