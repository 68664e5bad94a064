package dev.mandate.kernel.events;

import dev.mandate.kernel.Failure;
import dev.mandate.kernel.db.Endpoint;
import java.util.Locale;
import javax.net.ssl.SSLSocketFactory;

/** Which fan-out carries the wake-ups. */
public final class Fanouts {
  /** Far below what NATS takes by default (1 MB); Redis takes 512 MB. */
  private static final int LARGEST_PAYLOAD = 64 * 1024;

  private Fanouts() {}

  /**
   * @param setting {@code postgres}, or the URL of a Redis or NATS server
   * @param endpoint the system of record; processes on the same one hear each other
   * @param tls how brokers are trusted
   * @throws Failure {@code INVALID_ARGUMENT} that never quotes the setting
   */
  public static Fanout of(String setting, Endpoint endpoint, SSLSocketFactory tls) {
    if (setting.equals("postgres")) {
      return new PostgresFanout(endpoint);
    }
    BrokerUrl url = BrokerUrl.parse(setting, tls);
    String channel =
        "mandate." + word(endpoint.database()) + "." + word(endpoint.schema()) + ".wakeups";
    Link.Opener opener =
        switch (url.kind()) {
          case REDIS -> () -> new RedisLink(url, channel);
          case NATS -> () -> new NatsLink(url, channel);
        };
    return new LinkFanout(opener, LARGEST_PAYLOAD);
  }

  /** Two installations with names alike wake each other up for nothing, which does no harm. */
  private static String word(String name) {
    return name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9_-]", "_");
  }
}
