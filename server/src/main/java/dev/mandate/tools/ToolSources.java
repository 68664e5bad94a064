package dev.mandate.tools;

import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.OrgId;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.kernel.egress.EgressFailure;
import dev.mandate.secrets.SecretId;
import dev.mandate.secrets.Secrets;
import io.modelcontextprotocol.spec.McpSchema;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;

/** Connects, asks again and forgets tool sources. Thread-safe; everything blocks. */
final class ToolSources {
  private static final String PURPOSE = "tool_source";

  private final Db db;
  private final Authorizer authorizer;
  private final Secrets secrets;
  private final EgressClient egress;
  private final ToolCatalog catalog;
  private final McpPool pool;
  private final ArgumentSchemas schemas;
  private final Predicate<OrgId> stdioAllowed;
  private final InstantSource clock;
  private final ToolStore store = new ToolStore();

  ToolSources(
      Db db,
      Authorizer authorizer,
      Secrets secrets,
      EgressClient egress,
      ToolCatalog catalog,
      McpPool pool,
      ArgumentSchemas schemas,
      Predicate<OrgId> stdioAllowed,
      InstantSource clock) {
    this.db = db;
    this.authorizer = authorizer;
    this.secrets = secrets;
    this.egress = egress;
    this.catalog = catalog;
    this.pool = pool;
    this.schemas = schemas;
    this.stdioAllowed = stdioAllowed;
    this.clock = clock;
  }

  /** A source and how many usable tools it has. */
  record Source(SourceRow row, int toolCount) {}

  /** {@code self} first, then by name. */
  Page<Source> list(Mandate mandate, Page.Request page) {
    authorizer.require(mandate, "tool_sources.list");
    Catalog now = catalog.read(mandate);
    String after = page.after();
    List<Source> rows =
        now.sources().stream()
            .filter(row -> after == null || key(row).compareTo(after) > 0)
            .limit(page.size() + 1L)
            .map(row -> new Source(row, now.count(row.id())))
            .toList();
    return Page.cut(rows, page, source -> key(source.row()));
  }

  private static String key(SourceRow row) {
    return (row.id().equals(SelfTools.SOURCE) ? "0" : "1") + row.name();
  }

  Source get(Mandate mandate, ToolSourceId id) {
    authorizer.require(mandate, "tool_sources.get");
    return source(catalog.read(mandate), id);
  }

  private static Source source(Catalog catalog, ToolSourceId id) {
    SourceRow row = catalog.source(id);
    if (row == null) {
      throw Failure.notFound("tool source");
    }
    return new Source(row, catalog.count(id));
  }

  /**
   * Connects a server and keeps it with its tools.
   *
   * @throws Failure {@code INVALID_ARGUMENT}; {@code ALREADY_EXISTS}; {@code FAILED_PRECONDITION}
   *     with reason {@code SOURCE_UNREACHABLE}: then nothing is kept
   */
  Source add(Mandate mandate, String name, McpServer server) {
    authorizer.require(mandate, "tool_sources.import");
    ServerRules.check(name, server);
    if (server instanceof McpServer.Stdio && !stdioAllowed.test(mandate.org())) {
      throw Failure.precondition(
          "STDIO_NOT_ALLOWED",
          "this organization may not have programs started on the server's machine: connect the"
              + " tool server by its URL");
    }
    if (server instanceof McpServer.Http http) {
      try {
        egress.check(http.url());
      } catch (EgressFailure e) {
        throw e.toFailure().with("field", "http.url");
      }
    }
    boolean taken =
        catalog.read(mandate).sources().stream().anyMatch(row -> row.name().equals(name));
    if (taken) {
      throw taken(name);
    }
    McpConnection connection = connect(server);
    try {
      Source added = keep(mandate, name, server, offered(connection));
      pool.adopt(new McpPool.Key(mandate.org(), added.row().id()), connection);
      catalog.forget(mandate.org());
      return added;
    } catch (RuntimeException e) {
      connection.close();
      throw e;
    }
  }

  private static Failure taken(String name) {
    return Failure.exists("SOURCE_NAME_TAKEN", "there is a tool source named '" + name + "'");
  }

  private Source keep(
      Mandate mandate, String name, McpServer server, List<McpSchema.Tool> offered) {
    ToolSourceId id = new ToolSourceId(Ids.next());
    Discovery found = Discovery.of(id, offered, List.of(), schemas);
    Instant now = clock.instant();
    return db.write(
        mandate,
        tx -> {
          SecretId secret = secrets.put(tx, PURPOSE, server.toJson());
          SourceRow row =
              new SourceRow(
                  id,
                  name,
                  server.kind(),
                  server.location(),
                  secret,
                  true,
                  leftOut(found),
                  now,
                  now,
                  found.added(),
                  List.of(),
                  List.of());
          if (!store.insertSource(tx, row)) {
            throw taken(name);
          }
          found.tools().forEach(tool -> store.saveTool(tx, tool));
          var details =
              Json.object()
                  .put("name", name)
                  .put("kind", row.kind())
                  .put("location", row.location())
                  .put("tools", found.tools().size());
          tx.audit("tool_sources.import", "tool_source:" + id, details.toString());
          catalog.changed(tx);
          return new Source(row, found.tools().size());
        });
  }

  /**
   * Asks a source again.
   *
   * @throws Failure {@code FAILED_PRECONDITION} with reason {@code SOURCE_UNREACHABLE}, which is
   *     also noted about the source
   */
  Source refresh(Mandate mandate, ToolSourceId id) {
    authorizer.require(mandate, "tool_sources.refresh");
    SourceRow row = source(catalog.read(mandate), id).row();
    if (id.equals(SelfTools.SOURCE)) {
      return source(catalog.read(mandate), id);
    }
    List<McpSchema.Tool> offered;
    try (McpConnection connection = connect(server(mandate, row))) {
      offered = offered(connection);
    } catch (Failure failure) {
      note(mandate, id, false, failure.publicMessage());
      throw failure;
    }
    Source refreshed =
        db.write(
            mandate,
            tx -> {
              SourceRow before =
                  store.lockSource(tx, id).orElseThrow(() -> Failure.notFound("tool source"));
              List<ToolRow> known = new ArrayList<>(store.tools(tx));
              known.removeIf(tool -> !tool.source().equals(id));
              Discovery found = Discovery.of(id, offered, known, schemas);
              SourceRow after =
                  new SourceRow(
                      id,
                      before.name(),
                      before.kind(),
                      before.location(),
                      before.secret(),
                      true,
                      leftOut(found),
                      before.createdAt(),
                      clock.instant(),
                      found.added(),
                      found.changed(),
                      found.removed());
              store.updateSource(tx, after);
              found.tools().forEach(tool -> store.saveTool(tx, tool));
              var details =
                  Json.object()
                      .put("name", after.name())
                      .put("added", found.added().size())
                      .put("changed", found.changed().size())
                      .put("removed", found.removed().size());
              tx.audit("tool_sources.refresh", "tool_source:" + id, details.toString());
              catalog.changed(tx);
              return source(catalog.read(tx), id);
            });
    // The program behind it may be another one now.
    pool.drop(new McpPool.Key(mandate.org(), id));
    catalog.forget(mandate.org());
    return refreshed;
  }

  void delete(Mandate mandate, ToolSourceId id) {
    authorizer.require(mandate, "tool_sources.delete");
    if (id.equals(SelfTools.SOURCE)) {
      throw Failure.precondition("SOURCE_BUILT_IN", "the source 'self' cannot be deleted");
    }
    db.write(
        mandate,
        tx -> {
          SourceRow row =
              store.lockSource(tx, id).orElseThrow(() -> Failure.notFound("tool source"));
          store.deleteSource(tx, id);
          secrets.delete(tx, Objects.requireNonNull(row.secret()));
          var details = Json.object().put("name", row.name());
          tx.audit("tool_sources.delete", "tool_source:" + id, details.toString());
          catalog.changed(tx);
          return row;
        });
    catalog.forget(mandate.org());
    pool.drop(new McpPool.Key(mandate.org(), id));
  }

  /** How a source is reached, with its secrets. */
  McpServer server(Mandate mandate, SourceRow row) {
    return McpServer.fromJson(
        db.read(mandate, tx -> secrets.reveal(tx, Objects.requireNonNull(row.secret()), PURPOSE)));
  }

  /** Keeps that a source could, or could not, be reached, if that is news. */
  void note(Mandate mandate, ToolSourceId id, boolean reachable, String error) {
    boolean news =
        db.write(
            mandate,
            tx -> {
              boolean changed = store.noteReachable(tx, id, reachable, error) > 0;
              if (changed) {
                catalog.changed(tx);
              }
              return changed;
            });
    if (news) {
      catalog.forget(mandate.org());
    }
  }

  private McpConnection connect(McpServer server) {
    try {
      return pool.connect(server);
    } catch (McpFailure failure) {
      throw unreachable(failure);
    }
  }

  private static List<McpSchema.Tool> offered(McpConnection connection) {
    try {
      return connection.tools(Discovery.MAX_TOOLS, McpPool.START);
    } catch (McpFailure failure) {
      throw unreachable(failure);
    }
  }

  private static Failure unreachable(McpFailure failure) {
    return Failure.precondition(
        "SOURCE_UNREACHABLE", "the tool server could not be asked: " + failure.message());
  }

  private static String leftOut(Discovery found) {
    return found.leftOut().isEmpty() ? "" : "left out: " + String.join("; ", found.leftOut());
  }
}
