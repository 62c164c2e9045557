#include "ports_rig.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

char rig_folder[64];

void rig_folder_make(void)
{
    (void)snprintf(rig_folder, sizeof rig_folder, "/tmp/segs-ports-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(rig_folder));
}

void rig_folder_remove(void)
{
    DIR *dir = opendir(rig_folder);
    const struct dirent *entry;

    while (dir && (entry = readdir(dir)) != NULL) {
        char path[512];

        (void)snprintf(path, sizeof path, "%s/%s", rig_folder, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlink(path);
    }
    if (dir)
        (void)closedir(dir);
    (void)rmdir(rig_folder);
}
