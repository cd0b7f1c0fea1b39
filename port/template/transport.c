/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport.c - template of a byte stream: copy me to put your TCP stack under the agent.
 *
 * port/mbedtls puts TLS on top of any transport, so this one only moves bytes. No function
 * may wait: the agent is called again when the time that it returned is over, or earlier
 * when you know that data has come.
 */
#include "port/template/template.h"

#include "otter/result.h"

static int open_stream(void *ctx, const char *host, uint16_t port)
{
    struct template_stream *stream = ctx;
    if (stream->state == TEMPLATE_CLOSED) {
        if (stream->stack->connect(stream->stack, host, port) != 0) {
            return OTTER_ERR_IO;
        }
        stream->state = TEMPLATE_CONNECTING;
    }
    int status = stream->stack->status(stream->stack);
    if (status < 0) {
        return OTTER_ERR_IO;
    }
    if (status == 0) {
        return 1; /* not yet: the agent calls again */
    }
    stream->state = TEMPLATE_OPEN;
    return OTTER_OK;
}

static int send_stream(void *ctx, const void *buf, size_t len)
{
    struct template_stream *stream = ctx;
    int n = stream->stack->write(stream->stack, buf, len);
    return n < 0 ? OTTER_ERR_IO : n; /* 0: nothing fits now */
}

static int recv_stream(void *ctx, void *buf, size_t len)
{
    struct template_stream *stream = ctx;
    int n = stream->stack->read(stream->stack, buf, len);
    return n < 0 ? OTTER_ERR_IO : n; /* 0: nothing came; a closed peer must be < 0 */
}

static void close_stream(void *ctx)
{
    struct template_stream *stream = ctx;
    stream->stack->close(stream->stack);
    stream->state = TEMPLATE_CLOSED;
}

struct otter_transport template_stream_init(struct template_stream *stream,
                                            struct template_stack *stack)
{
    stream->stack = stack;
    stream->state = TEMPLATE_CLOSED;
    return (struct otter_transport){
        .ctx = stream,
        .open = open_stream,
        .send = send_stream,
        .recv = recv_stream,
        .close = close_stream,
    };
}
