package dev.mandate.kernel.events;

class NatsFanoutTest extends FanoutContract {
  @Override
  Proxy way() {
    return Brokers.way("Nats server", 4222);
  }

  @Override
  Fanout open(int port) {
    return Brokers.open("nats://127.0.0.1:" + port);
  }
}
