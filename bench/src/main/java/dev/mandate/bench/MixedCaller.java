package dev.mandate.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/**
 * One of many who use an installation: of ten operations five call a tool, three read lists, one
 * opens a stream anew, one talks to an agent that calls a tool.
 */
final class MixedCaller implements Load.Caller {
  private static final List<String> LISTS =
      List.of(
          "/api/v1/threads?pageSize=20",
          "/api/v1/runs?pageSize=20",
          "/api/v1/agents",
          "/api/v1/tools?pageSize=20");

  private final Client client;
  private final String agent;
  private final String quiet;
  private final byte[] tool;

  /**
   * @param agent whom it talks to
   * @param quiet a thread on which nothing happens
   */
  MixedCaller(Client client, String agent, String quiet) {
    this.client = client;
    this.agent = agent;
    this.quiet = quiet;
    this.tool = client.request("POST", "/api/v1/tools/self%2Fagents_list:call", "{}");
  }

  @Override
  public void call(long number) {
    switch ((int) (number % 10)) {
      case 0 -> talk();
      case 1 -> reconnect();
      case 2, 5, 8 -> client.get(LISTS.get((int) (number / 10 % LISTS.size())));
      default -> {
        JsonNode answer = Client.json(client.exchange(tool));
        WrongAnswer.unless(!answer.path("isError").asBoolean(), "a tool", answer);
      }
    }
  }

  private void reconnect() {
    try (Client stream = client.another()) {
      stream.events("/api/v1/threads/" + quiet + "/events?after=now");
    }
  }

  private void talk() {
    String thread = Installation.thread(client, agent);
    try (Client stream = client.another()) {
      Client.Events events = stream.events("/api/v1/threads/" + thread + "/events");
      Installation.say(client, thread, "Go.");
      String status = "";
      while (!status.equals("SUCCEEDED")) {
        JsonNode event = events.next();
        status = event.at("/run/status").asText();
        WrongAnswer.unless(!status.equals("FAILED") && !status.equals("PAUSED"), "a run", event);
      }
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
