package dev.mandate.cli;

import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "audit", description = "Who did what under whose authority, newest first.")
final class AuditCommand implements Callable<Integer> {
  private final Context context;

  @Option(names = "--action", description = "Only this action, or a prefix that ends in *.")
  String action = "";

  @Option(names = "--resource", description = "Only this resource, <kind>:<id>.")
  String resource = "";

  @Option(names = "--outcome", description = "allowed, denied or failed.")
  String outcome = "";

  @Option(names = "--limit", defaultValue = "50")
  int limit;

  AuditCommand(Context context) {
    this.context = context;
  }

  @Command(
      name = "checkpoints",
      description = "Signed states of the record: keep one elsewhere to prove it unaltered later.")
  int checkpoints(@Option(names = "--limit", defaultValue = "50") int most) {
    return context.show(
        context.list("/api/v1/audit/checkpoints", "checkpoints", Map.of(), most),
        "The record is not signed yet.",
        new Table("TIME", "ENTRIES", "HASH", "KEY", "SIGNATURE"),
        checkpoint ->
            new Object[] {
              Format.time(Json.text(checkpoint, "at")),
              Json.text(checkpoint, "seq"),
              Json.text(checkpoint, "hash"),
              Json.text(checkpoint, "keyId"),
              Json.text(checkpoint, "signature")
            });
  }

  @Override
  public Integer call() {
    return context.show(
        context.list(
            "/api/v1/audit",
            "entries",
            Map.of("action", action, "resource", resource, "outcome", outcome),
            limit),
        "No audit entries fit.",
        new Table("TIME", "OUTCOME", "ACTION", "CHANNEL", "RESOURCE", "WHO", "REASON"),
        entry ->
            new Object[] {
              Format.time(Json.text(entry, "at")),
              Json.text(entry, "outcome"),
              Json.text(entry, "action"),
              Json.text(entry, "channel"),
              Json.text(entry, "resource"),
              ApprovalCommand.chain(entry),
              Json.text(entry, "reason")
            });
  }
}
