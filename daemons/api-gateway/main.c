/* segs-api-gateway: the REST API. */
#include "api-gateway/service.h"
#include "runtime/service.h"

int main(int argc, char **argv)
{
    return rt_main(&segs_api_gateway_service, argc, argv);
}
