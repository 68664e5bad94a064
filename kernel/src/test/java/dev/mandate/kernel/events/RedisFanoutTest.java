package dev.mandate.kernel.events;

class RedisFanoutTest extends FanoutContract {
  @Override
  Proxy way() {
    return Brokers.way("Redis server", 6379);
  }

  @Override
  Fanout open(int port) {
    return Brokers.open("redis://127.0.0.1:" + port);
  }
}
