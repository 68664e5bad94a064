package dev.mandate.policies;

import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Principal;
import dev.mandate.rego.value.ArrayValue;
import dev.mandate.rego.value.Json;
import dev.mandate.rego.value.NumberValue;
import dev.mandate.rego.value.ObjectValue;
import dev.mandate.rego.value.StringValue;
import dev.mandate.rego.value.Value;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.UUID;

/**
 * The document that policies see as {@code input}; {@code docs/policies.md} describes it. What is
 * not known is absent, never null.
 */
final class InputDocument {
  private final Subjects subjects;

  InputDocument(Subjects subjects) {
    this.subjects = subjects;
  }

  ObjectValue of(Mandate mandate, Question question, Instant now) {
    return ObjectValue.builder()
        .put("subject", subject(mandate))
        .put("action", question.action())
        .put("resource", resource(question))
        .put("env", env(mandate, question, now))
        .build();
  }

  private Value subject(Mandate mandate) {
    Principal actor = actor(mandate);
    ObjectValue.Builder subject =
        ObjectValue.builder().put("kind", kind(actor)).put("id", actor.id().toString());
    String name = subjects.of(mandate.org(), actor).name();
    if (!name.isEmpty()) {
      subject.put("name", name);
    }
    List<String> roles = List.of();
    UUID user = mandate.user();
    if (user != null) {
      Subjects.Subject root = subjects.of(mandate.org(), Principal.user(user));
      ObjectValue.Builder who = ObjectValue.builder().put("id", user.toString());
      if (!root.name().isEmpty()) {
        who.put("email", root.name());
      }
      subject.put("user", who.build());
      roles = root.roles();
    }
    ObjectValue.Builder authority =
        ObjectValue.builder().put("expires_at", mandate.expiresAt().toString());
    UUID budget = mandate.budget();
    if (budget != null) {
      authority.put("budget", budget.toString());
    }
    return subject
        .put("roles", texts(roles))
        .put("groups", ArrayValue.EMPTY)
        .put(
            "chain",
            ArrayValue.of(
                mandate.chain().stream()
                    .map(principal ->
                        ObjectValue.builder()
                            .put("kind", kind(principal))
                            .put("id", principal.id().toString())
                            .build())
                    .toList()))
        .put("mandate", authority.build())
        .build();
  }

  /** A token is no one: whoever it stands for acts. */
  static Principal actor(Mandate mandate) {
    for (Principal principal : mandate.chain()) {
      if (principal.kind() != Principal.Kind.TOKEN) {
        return principal;
      }
    }
    return mandate.actor();
  }

  private static Value resource(Question question) {
    ObjectValue.Builder resource =
        ObjectValue.builder().put("type", question.type()).put("name", question.name());
    if (!question.source().isEmpty()) {
      resource.put("source", question.source());
    }
    if (!question.type().equals("model")) {
      resource.put("risk", question.risk());
    }
    if (question.type().equals("tool")) {
      resource.put("labels", texts(question.labels()));
    }
    Arguments arguments = question.arguments();
    if (arguments != null) {
      resource.put("arguments", arguments.value());
    }
    if (question.tokens() != null) {
      resource.put("tokens", NumberValue.of(question.tokens()));
    }
    if (question.costMicros() != null) {
      resource.put("cost_micros", NumberValue.of(question.costMicros()));
    }
    return resource.build();
  }

  private static Value env(Mandate mandate, Question question, Instant now) {
    ObjectValue.Builder env =
        ObjectValue.builder()
            .put("time", now.toString())
            .put("time_ns", NumberValue.of(now.getEpochSecond() * 1_000_000_000L + now.getNano()));
    if (!mandate.origin().address().isEmpty()) {
      env.put("address", mandate.origin().address());
    }
    Question.Run run = question.run();
    env.put("channel", run == null ? mandate.origin().channel() : "run");
    if (run != null) {
      env.put(
          "run",
          ObjectValue.builder()
              .put("id", run.id().toString())
              .put("thread_id", run.threadId().toString())
              .put("tools_called", texts(run.toolsCalled()))
              .put("labels", texts(run.labels()))
              .build());
    }
    return env.build();
  }

  private static Value texts(List<String> texts) {
    Value[] values = new Value[texts.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = new StringValue(texts.get(i));
    }
    return ArrayValue.of(values);
  }

  private static String kind(Principal principal) {
    return principal.kind().name().toLowerCase(Locale.ROOT);
  }

  /** SHA-256 of the canonical JSON text, 64 hexadecimal digits. */
  static String hash(ObjectValue input) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256")
                  .digest(Json.write(input).getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
