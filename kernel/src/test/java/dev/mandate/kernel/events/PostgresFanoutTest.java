package dev.mandate.kernel.events;

import dev.mandate.kernel.db.Endpoint;
import dev.mandate.kernel.db.KernelDatabase;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class PostgresFanoutTest extends FanoutContract {
  private static KernelDatabase database;

  @BeforeAll
  static void start() {
    database = new KernelDatabase();
  }

  @AfterAll
  static void stop() {
    database.close();
  }

  @Override
  Proxy way() {
    String[] hostAndPort = database.endpoint().hosts().split(":", 2);
    return new Proxy(hostAndPort[0], Integer.parseInt(hostAndPort[1]));
  }

  @Override
  Fanout open(int port) {
    Endpoint direct = database.endpoint();
    return new PostgresFanout(
        new Endpoint(
            "127.0.0.1:" + port,
            direct.database(),
            direct.schema(),
            direct.parameters(),
            direct.serverMajor(),
            direct.owner(),
            direct.app(),
            direct.dispatch()));
  }
}
