package dev.mandate.kernel.rpc;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.CombinedChannelDuplexHandler;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;

/**
 * Ignores the offer to change from HTTP/1.1 to HTTP/2 in the middle of a connection, as a server
 * may (RFC 9110, 7.8); RFC 9113 dropped that way into HTTP/2. Clients lose bytes of an answer that
 * follows the change at once (Java's own, curl), and behind a proxy that passes the offer on, the
 * changed connection would be a tunnel past its rules. HTTP/2 from the first byte is served.
 *
 * <p>Stands first in a plain connection until it is known which protocol that speaks: four bytes
 * decide, after which the decoder of HTTP/1.1 has its place or never gets one.
 */
final class NoUpgrade extends ChannelInboundHandlerAdapter {
  private static final int DECIDES = 4;

  private int seen;

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (!(message instanceof ByteBuf bytes)) {
      ctx.fireChannelRead(message);
      return;
    }
    int now = Math.min(DECIDES - seen, bytes.readableBytes());
    seen += now;
    ByteBuf first = bytes.readRetainedSlice(now);
    ctx.fireChannelRead(first);
    if (seen == DECIDES) {
      ChannelPipeline pipeline = ctx.pipeline();
      // The decoder's own class is not public.
      ChannelHandlerContext http1 = pipeline.context(CombinedChannelDuplexHandler.class);
      if (http1 != null) {
        pipeline.addAfter(http1.name(), null, Offers.IGNORED);
      }
      pipeline.remove(this);
    }
    ctx.fireChannelRead(bytes);
  }

  @ChannelHandler.Sharable
  private static final class Offers extends ChannelInboundHandlerAdapter {
    private static final Offers IGNORED = new Offers();

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      if (message instanceof HttpRequest request
          && request.headers().containsValue(HttpHeaderNames.UPGRADE, "h2c", true)) {
        request.headers().remove(HttpHeaderNames.UPGRADE);
      }
      ctx.fireChannelRead(message);
    }
  }
}
