# rt_net: HTTP server and client.
