/* segs-ingestion: readings over HTTP into the log. */
#include "ingestion/service.h"
#include "runtime/service.h"

int main(int argc, char **argv)
{
    return rt_main(&segs_ingestion_service, argc, argv);
}
