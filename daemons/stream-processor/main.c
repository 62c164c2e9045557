/* segs-stream-processor: readings from the log into closed windows. */
#include "runtime/service.h"
#include "stream-processor/service.h"

int main(int argc, char **argv)
{
    return rt_main(&segs_stream_processor_service, argc, argv);
}
