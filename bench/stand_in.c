/* Stands in for IPVS where the kernel has none, so that keepalived's checkers can be measured there: the three functions of
 * libnl through which keepalived speaks to IPVS say that all is done. Loaded with LD_PRELOAD; nothing else is changed.
 */
typedef int (*callback)(void *message, void *argument);

enum { ON_FINISH = 1, ON_ACKNOWLEDGEMENT = 4, KINDS = 16 }; /* enum nl_cb_type of netlink/handlers.h */

static callback hears[KINDS];
static void *arguments[KINDS];

int genl_ctrl_resolve(void *socket, const char *name) { (void)socket, (void)name; return 42; }

int nl_send_auto(void *socket, void *message) { (void)socket, (void)message; return 1; }

int nl_socket_modify_cb(void *socket, int type, int kind, callback function, void *argument)
{
    (void)socket, (void)kind;
    hears[type] = function;
    arguments[type] = argument;
    return 0;
}

int nl_recvmsgs_default(void *socket)
{
    (void)socket;
    if (hears[ON_ACKNOWLEDGEMENT])
        hears[ON_ACKNOWLEDGEMENT](0, arguments[ON_ACKNOWLEDGEMENT]);
    if (hears[ON_FINISH])
        hears[ON_FINISH](0, arguments[ON_FINISH]);
    return 0;
}
