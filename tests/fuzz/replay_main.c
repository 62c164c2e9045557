/* Runs a fuzz entry over every file of the folders and files named on the command line, so that
 * CTest replays the corpus without libFuzzer. Fails when it found nothing to run. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    long size;
    int r = -1;

    if (!file)
        return -1;
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 &&
        fseek(file, 0, SEEK_SET) == 0) {
        /* An exact allocation lets the address sanitizer see a read one byte past the input. */
        data = malloc(size > 0 ? (size_t)size : 1);
        if (data && fread(data, 1, (size_t)size, file) == (size_t)size) {
            (void)LLVMFuzzerTestOneInput(data, (size_t)size);
            r = 0;
        }
    }
    free(data);
    (void)fclose(file);
    return r;
}

static int replay_path(const char *path, unsigned long *n_run)
{
    struct stat st;
    struct dirent *entry;
    DIR *dir;
    int r = 0;

    if (stat(path, &st) != 0)
        return -1;
    if (!S_ISDIR(st.st_mode)) {
        (*n_run)++;
        return replay_file(path);
    }

    dir = opendir(path);
    if (!dir)
        return -1;
    while (r == 0 && (entry = readdir(dir)) != NULL) {
        char child[4096];
        int len = snprintf(child, sizeof child, "%s/%s", path, entry->d_name);

        if (entry->d_name[0] == '.')
            continue;
        r = len > 0 && (size_t)len < sizeof child ? replay_path(child, n_run) : -1;
    }
    (void)closedir(dir);
    return r;
}

int main(int argc, char **argv)
{
    unsigned long n_run = 0;

    for (int i = 1; i < argc; i++) {
        if (replay_path(argv[i], &n_run) != 0) {
            (void)fprintf(stderr, "cannot replay %s\n", argv[i]);
            return EXIT_FAILURE;
        }
    }
    (void)printf("%lu inputs replayed\n", n_run);
    return n_run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
