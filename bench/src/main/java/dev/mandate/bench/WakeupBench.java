package dev.mandate.bench;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.kernel.crypto.KeyRing;
import dev.mandate.kernel.db.EmbeddedPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.function.Predicate;
import org.postgresql.PGConnection;

/**
 * How soon somebody who waits hears of what was decided or said elsewhere: in one process, and from
 * one process to another on one PostgreSQL. In the same run PostgreSQL's own LISTEN and NOTIFY.
 */
final class WakeupBench {
  private static final String PASSWORD = "password-of-benchmarks";
  private static final int APPROVALS_IN_A_RUN = 25;

  private final int times;
  private final Report report = new Report("wakeup");

  /**
   * @param times how often each wake-up is measured, after half as many to warm up
   */
  WakeupBench(int times) {
    this.times = times;
  }

  /** A time from when the answer was there, and from when the request was sent. */
  private static final class Measured {
    private final long[] answered;
    private final long[] sent;
    private int count;

    Measured(int size) {
      answered = new long[size];
      sent = new long[size];
    }

    boolean full() {
      return count == answered.length;
    }

    /** Calls, then waits for the event. */
    void add(Runnable call, Runnable event) {
      long began = System.nanoTime();
      call.run();
      long answer = System.nanoTime();
      event.run();
      long heard = System.nanoTime();
      answered[count] = heard - answer;
      sent[count++] = heard - began;
    }

    void report(Report report, String name, double budget) {
      Samples after = Samples.of(answered);
      report.slow(name + ", from the answer:", after);
      report.atMost(name + ": p50 against the budget", after.millis(0.5), "ms", budget);
      report.slow(name + ", from the request:", Samples.of(sent));
    }
  }

  Report run() {
    try (Installation installation = Installation.create()) {
      ServerProcess server = installation.server("server", Map.of());
      notifications(server.postgres());
      measure("one process", server, server, 5);
    }
    try (Installation installation = Installation.create()) {
      Postgres database = database(installation);
      Map<String, String> shared =
          Map.of("DATABASE_URL", database.url(), "MANDATE_MASTER_KEY", KeyRing.generate());
      ServerProcess front = installation.server("front", with(shared, "api"));
      ServerProcess back = installation.server("back", with(shared, "api,worker"));
      measure("two processes", front, back, 15);
    }
    report.note(
        "decided or said at one connection, heard at another; with two processes the first answers"
            + " only, the other works on runs and is listened to");
    return report;
  }

  private static Map<String, String> with(Map<String, String> shared, String roles) {
    Map<String, String> all = new java.util.HashMap<>(shared);
    all.put("MANDATE_ROLES", roles);
    return all;
  }

  /** The PostgreSQL that Mandate brings, started by us: for the servers it is the operator's. */
  private static Postgres database(Installation installation) {
    EmbeddedPostgres postgres =
        new EmbeddedPostgres(
            new EmbeddedPostgres.Options(
                installation.home().resolve("postgres"),
                installation.home().resolve("postgres"),
                PASSWORD,
                true));
    postgres.start();
    installation.with(postgres);
    return new Postgres(postgres.server().hosts(), EmbeddedPostgres.SUPERUSER, PASSWORD);
  }

  /**
   * @param said where is decided and posted
   * @param heard where runs are worked on, and who waits is connected
   */
  Report measure(String name, ServerProcess said, ServerProcess heard, double budget) {
    String token = said.signIn();
    try (Client owner = Client.of(said.url(), token)) {
      messages(owner, heard, token, times / 2);
      messages(owner, heard, token, times).report(report, "message to its event, " + name, budget);
      approvals(owner, heard, token, times / 2);
      approvals(owner, heard, token, times)
          .report(report, "approval to the next step's event, " + name, budget);
    }
    return report;
  }

  private static Measured messages(Client owner, ServerProcess heard, String token, int count) {
    String thread = Installation.thread(owner);
    Measured measured = new Measured(count);
    try (Client reader = Client.of(heard.url(), token)) {
      Client.Events events = reader.events("/api/v1/threads/" + thread + "/events");
      while (!measured.full()) {
        String text = "Message " + measured.count;
        measured.add(
            () -> Installation.say(owner, thread, text),
            () -> until(events, e -> e.at("/message/text").asText().equals(text)));
      }
    }
    return measured;
  }

  private static Measured approvals(Client owner, ServerProcess heard, String token, int count) {
    Measured measured = new Measured(count);
    while (!measured.full()) {
      int now = Math.min(APPROVALS_IN_A_RUN, count - measured.count);
      String agent =
          Installation.agent(
              owner,
              "Asks " + System.nanoTime(),
              ModelMain.instructions(now, 1, "{}"),
              "self/agents_list",
              "ALWAYS");
      String thread = Installation.thread(owner, agent);
      try (Client reader = Client.of(heard.url(), token)) {
        Client.Events events = reader.events("/api/v1/threads/" + thread + "/events");
        Installation.say(owner, thread, "Go.");
        for (int i = 0; i < now; i++) {
          JsonNode asked = until(events, e -> kind(e).equals("approval_requested"));
          // The run lets go of its lease before it is decided on, as it does when a person decides.
          until(events, e -> e.at("/run/status").asText().equals("AWAITING_APPROVAL"));
          String approval = asked.at("/step/step/approvalId").asText();
          measured.add(
              () -> owner.post("/api/v1/approvals/" + approval + ":approve", "{}"),
              () -> until(events, e -> kind(e).equals("tool_started")));
        }
        until(events, e -> e.at("/run/status").asText().equals("SUCCEEDED"));
      }
    }
    return measured;
  }

  private static String kind(JsonNode event) {
    return event.at("/step/step/kind").asText();
  }

  private static JsonNode until(Client.Events events, Predicate<JsonNode> wanted) {
    JsonNode event = events.next();
    while (!wanted.test(event)) {
      event = events.next();
    }
    return event;
  }

  /** From NOTIFY to its arrival at another connection. */
  private void notifications(Postgres postgres) {
    try (Connection speaker = postgres.connect();
        Connection listener = postgres.connect();
        Statement speak = speaker.createStatement();
        Statement listen = listener.createStatement()) {
      listen.execute("listen bench");
      PGConnection ear = listener.unwrap(PGConnection.class);
      long[] nanos = new long[times];
      for (int i = -times / 2; i < times; i++) {
        long began = System.nanoTime();
        speak.execute("notify bench");
        int heard = ear.getNotifications(10_000).length;
        WrongAnswer.unless(heard == 1, "notifications", heard);
        if (i >= 0) {
          nanos[i] = System.nanoTime() - began;
        }
      }
      report.slow("PostgreSQL's NOTIFY to its arrival:", Samples.of(nanos));
    } catch (SQLException e) {
      throw new WrongAnswer("PostgreSQL: " + e.getMessage());
    }
  }
}
