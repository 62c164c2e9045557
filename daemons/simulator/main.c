/* segs-simulator: meters that report, and exact books of what became of each reading. */
#include "runtime/service.h"
#include "simulator/service.h"

int main(int argc, char **argv)
{
    int status = rt_main(&segs_simulator_service, argc, argv);

    return status != 0 ? status : simulator_exit_status();
}
