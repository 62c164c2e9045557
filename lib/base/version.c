#include <segs/version.h>

const char *segs_version(void)
{
    return SEGS_VERSION_STRING;
}
