package dev.mandate.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "file", description = "Files that messages can carry.")
final class FileCommand extends Noun {
  FileCommand(Context context) {
    super(context);
  }

  @Command(name = "list", description = "Your files, newest first.")
  int list(@Option(names = "--limit", defaultValue = "100") int limit) {
    return context.show(
        context.list("/api/v1/files", "files", Map.of(), limit),
        "No files. Send one: mandate file upload PATH",
        new Table("NAME", "TYPE", "BYTES", "STATE", "CREATED", "ID"),
        file ->
            new Object[] {
              Json.text(file, "name"),
              Json.text(file, "contentType"),
              Json.number(file, "size"),
              Format.words(Json.text(file, "state")),
              Format.time(Json.text(file, "createdAt")),
              Json.text(file, "id")
            });
  }

  @Command(name = "show", description = "What a file is.")
  int show(@Parameters(paramLabel = "NAME|ID") String name) {
    JsonNode found = context.api().get("/api/v1/files/" + context.lookup().file(name));
    JsonNode file = found.path("file");
    return context.show(
        file,
        "Name",
        Json.text(file, "name"),
        "Type",
        Json.text(file, "contentType"),
        "Bytes",
        Long.toString(Json.number(file, "size")),
        "SHA-256",
        Json.text(file, "sha256"),
        "State",
        Format.words(Json.text(file, "state")),
        "Owner",
        Json.text(file, "owner"),
        "Created",
        Format.time(Json.text(file, "createdAt")),
        "Id",
        Json.text(file, "id"));
  }

  @Command(name = "upload", description = "Sends files. Prints the id of each.")
  int upload(
      @Parameters(paramLabel = "PATH", arity = "1..*") List<Path> paths,
      @Option(
              names = "--type",
              defaultValue = "",
              paramLabel = "TYPE",
              description = "Content type, e.g. text/csv; by default guessed from the name.")
          String type) {
    Transfers transfers = new Transfers(context);
    List<JsonNode> sent = new ArrayList<>();
    for (Path path : paths) {
      JsonNode file = transfers.upload(path, type);
      sent.add(file);
      if (!context.json) {
        context.screen().line(Json.text(file, "id") + "  " + Json.text(file, "name"));
      }
    }
    if (context.json) {
      context.screen().json(Json.MAPPER.createArrayNode().addAll(sent));
    }
    return Exit.OK;
  }

  @Command(name = "download", description = "Fetches a file.")
  int download(
      @Parameters(paramLabel = "NAME|ID") String name,
      @Option(
              names = {"-o", "--output"},
              paramLabel = "PATH",
              defaultValue = "",
              description = "Where to; by default the file's name, in this folder.")
          String output,
      @Option(names = "--force", description = "Replaces what is there.") boolean force) {
    JsonNode found = context.api().get("/api/v1/files/" + context.lookup().file(name));
    // Whoever named the file may not choose the folder.
    String own = Json.text(found.path("file"), "name").replaceAll("[/\\\\\\p{Cntrl}]", "_");
    Path target = Path.of(output.isEmpty() ? own.replaceFirst("^\\.", "_.") : output);
    if (Files.isDirectory(target)) {
      throw CliFailure.usage(target + " is a folder");
    }
    if (Files.exists(target) && !force) {
      throw CliFailure.failed(target + " exists: --force replaces it, --output names another");
    }
    new Transfers(context).download(found, target);
    return context.done(found.path("file"), "Saved as " + Format.printable(target.toString()));
  }

  @Command(name = "delete", description = "Deletes a file that no message carries.")
  int delete(@Parameters(paramLabel = "NAME|ID") String name) {
    return context.done(
        context.api().delete("/api/v1/files/" + context.lookup().file(name)),
        "File " + name + " is deleted.");
  }
}
