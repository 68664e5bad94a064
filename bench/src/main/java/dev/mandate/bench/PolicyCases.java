package dev.mandate.bench;

import dev.mandate.rego.value.Json;
import dev.mandate.rego.value.Value;
import java.util.Set;
import java.util.TreeSet;

/**
 * Rules in Rego and in Cedar that say the same about the same request, and what they must answer.
 * Rule number n refuses for one of five kinds of reasons, with values of its own.
 */
final class PolicyCases {
  /** A request with the rules that refuse it. */
  record Case(String json, Value input, Set<Integer> refusing) {}

  private PolicyCases() {}

  static String rego(int rules) {
    var s = new StringBuilder("package mandate.policies.bench\n");
    for (int n = 0; n < rules; n++) {
      s.append("\ndeny contains \"rule ").append(n).append("\" if {\n  ");
      String condition =
          switch (n % 5) {
            case 0 ->
                "input.resource.risk == \"destructive\"\n  not \"role%d\" in input.subject.roles";
            case 1 ->
                "startswith(input.resource.name, \"crm%d/\")\n"
                    + "  input.resource.arguments.amount > %<d";
            case 2 -> "\"label%d\" in input.resource.labels\n  input.env.channel != \"run\"";
            case 3 ->
                "\"mail%d/send\" in input.env.run.tools_called\n"
                    + "  input.resource.risk != \"read_only\"";
            default ->
                "input.resource.arguments.to == \"user%d@example.org\"\n"
                    + "  input.subject.kind == \"agent\"";
          };
      s.append(condition.formatted(n));
      s.append("\n}\n");
    }
    return s.toString();
  }

  /** Each rule is about an action of its own, so that all but one can be passed over. */
  static String regoByAction(int rules) {
    var s = new StringBuilder("package mandate.policies.bench\n");
    for (int n = 0; n < rules; n++) {
      s.append(
          "\ndeny contains \"rule %d\" if {\n  input.action == \"%s\"\n  input.resource.risk != \"read_only\"\n}\n"
              .formatted(n, n == rules / 2 ? "tools.call" : "things.verb" + n));
    }
    return s.toString();
  }

  static String cedar(int rules) {
    var s = new StringBuilder("@id(\"permit\") permit(principal, action, resource);\n");
    for (int n = 0; n < rules; n++) {
      s.append("@id(\"rule ").append(n).append("\") forbid(principal, action, resource) when { ");
      String condition =
          switch (n % 5) {
            case 0 ->
                "context.resource.risk == \"destructive\""
                    + " && !context.subject.roles.contains(\"role%d\")";
            case 1 ->
                "context.resource.name like \"crm%d/*\""
                    + " && context.resource.arguments.amount > %<d";
            case 2 ->
                "context.resource.labels.contains(\"label%d\") && context.env.channel != \"run\"";
            case 3 ->
                "context.env.run.tools_called.contains(\"mail%d/send\")"
                    + " && context.resource.risk != \"read_only\"";
            default ->
                "context.resource.arguments.to == \"user%d@example.org\""
                    + " && context.subject.kind == \"agent\"";
          };
      s.append(condition.formatted(n));
      s.append(" };\n");
    }
    return s.toString();
  }

  static Case allowed() {
    return new Case(request("write", "crm/contact", 5), value("write", "crm/contact", 5), Set.of());
  }

  /** Refused by every fifth rule (not by the one whose role it has) and by the second. */
  static Case refused(int rules) {
    var refusing = new TreeSet<Integer>();
    for (int n = 5; n < rules; n += 5) {
      refusing.add(n);
    }
    refusing.add(1);
    return new Case(
        request("destructive", "crm1/contact", 5),
        value("destructive", "crm1/contact", 5),
        refusing);
  }

  private static Value value(String risk, String name, int amount) {
    return Json.parse(request(risk, name, amount));
  }

  private static String request(String risk, String name, int amount) {
    return """
    {"subject": {"kind": "agent", "id": "0198-a1", "name": "Scribe",
     "user": {"id": "0198-u1", "email": "ada@example.org"}, "roles": ["member", "role0"], "groups": [],
     "chain": [{"kind": "agent", "id": "0198-a1"}, {"kind": "user", "id": "0198-u1"}],
     "mandate": {"expires_at": "2026-11-21T13:00:00Z"}},
     "action": "tools.call",
     "resource": {"type": "tool", "name": "%s", "source": "crm", "risk": "%s",
     "labels": ["internal", "customer"],
     "arguments": {"to": "grace@example.org", "subject": "Your order", "amount": %d,
     "body": "We have sent it today; it should be with you on Tuesday. Kind regards"}},
     "env": {"time": "2026-11-21T12:00:00Z", "time_ns": 1795262400000000000, "address": "127.0.0.1",
     "channel": "run", "run": {"id": "0198-r1", "thread_id": "0198-t1",
     "tools_called": ["crm/read", "crm/search", "files/read", "self/agents_list"], "labels": ["internal"]}}}
    """
        .formatted(name, risk, amount);
  }
}
