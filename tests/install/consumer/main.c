/* The smallest program outside the tree: prints the version of the library it runs with. */
#include <stdio.h>
#include <string.h>

#include <segs/segs.h>

int main(void)
{
    if (strcmp(segs_version(), SEGS_VERSION_STRING) != 0 ||
        strcmp(segs_error_name(SEGS_ERANGE), "SEGS_ERANGE") != 0)
        return 1;
    (void)printf("libsegs %s\n", segs_version());
    return 0;
}
