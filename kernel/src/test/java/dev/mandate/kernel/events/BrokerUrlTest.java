package dev.mandate.kernel.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mandate.kernel.egress.Trust;
import java.net.InetSocketAddress;
import java.util.List;
import org.junit.jupiter.api.Test;

class BrokerUrlTest {
  private static BrokerUrl parse(String url) {
    return BrokerUrl.parse(url, Trust.sockets(null));
  }

  @Test
  void server_login_and_encryption_are_read() {
    BrokerUrl redis = parse("rediss://app:p%40ss+1@cache.example:7000");
    assertThat(redis.kind()).isEqualTo(BrokerUrl.Kind.REDIS);
    assertThat(redis.servers())
        .containsExactly(InetSocketAddress.createUnresolved("cache.example", 7000));
    assertThat(redis.user()).isEqualTo("app");
    assertThat(redis.secret()).isEqualTo("p@ss+1");
    assertThat(redis.tls()).isNotNull();

    assertThat(parse("redis://:only@h").secret()).isEqualTo("only");
    assertThat(parse("redis://h").servers())
        .isEqualTo(List.of(InetSocketAddress.createUnresolved("h", 6379)));

    BrokerUrl nats = parse("nats://token@one:4333,two");
    assertThat(nats.kind()).isEqualTo(BrokerUrl.Kind.NATS);
    assertThat(nats.user()).isEmpty();
    assertThat(nats.secret()).isEqualTo("token");
    assertThat(nats.tls()).isNull();
    assertThat(nats.servers())
        .containsExactly(
            InetSocketAddress.createUnresolved("one", 4333),
            InetSocketAddress.createUnresolved("two", 4222));
    assertThat(parse("tls://h").tls()).isNotNull();
  }

  @Test
  void what_is_wrong_is_said_without_the_secret() {
    assertThat(parse("redis://app:hidden@h").toString()).doesNotContain("hidden");
    for (String bad :
        List.of(
            "kafka://u:hidden@h",
            "redis://u:hidden@",
            "redis://u:hid den@h",
            "nats://u:hidden@h:x",
            "nats://u:hidden@h:70000",
            "hidden")) {
      assertThatThrownBy(() -> parse(bad))
          .as(bad)
          .hasMessageStartingWith("fanout: ")
          .hasMessageNotContaining("hidden");
    }
  }
}
