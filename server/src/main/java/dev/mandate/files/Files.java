package dev.mandate.files;

import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.crypto.KeyRing;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Tx;
import dev.mandate.kernel.egress.EgressClient;
import dev.mandate.kernel.jobs.Job;
import dev.mandate.kernel.jobs.Jobs;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jdbi.v3.core.JdbiException;
import org.jspecify.annotations.Nullable;

/** The rules of files. Thread-safe. */
public final class Files {
  private static final String EXPIRE = "files.expire";
  private static final String COLLECT = "files.collect";
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final int MAX_NAME = 255;

  /** What each file counts at least: rows are not free either. */
  private static final long LEAST = 4096;

  private final FileSettings settings;
  private final Db db;
  private final Authorizer authorizer;
  private final Jobs jobs;
  private final FileSharing sharing;
  private final InstantSource clock;
  private final ContentLinks links;
  private final FileStorage storage;
  private final FileStore store = new FileStore();

  /** What somebody announces. */
  record Draft(String name, String contentType, long size, String sha256) {}

  /** A file, and what its caller may do with its content. */
  record Linked(StoredFile file, FileLink link) {}

  public Files(
      FileSettings settings,
      Db db,
      Authorizer authorizer,
      Jobs jobs,
      KeyRing keys,
      EgressClient egress,
      FileSharing sharing,
      InstantSource clock) {
    this.settings = settings;
    this.db = db;
    this.authorizer = authorizer;
    this.jobs = jobs;
    this.sharing = sharing;
    this.clock = clock;
    this.links = new ContentLinks(keys, clock);
    this.storage = storage(settings, links, egress, clock);
  }

  private static FileStorage storage(
      FileSettings settings, ContentLinks links, EgressClient egress, InstantSource clock) {
    FileSettings.S3 s3 = settings.s3();
    return s3 == null
        ? new LocalStorage(settings.folder(), links, clock)
        : new S3Storage(s3, egress, clock);
  }

  /** Declares its jobs. Call before {@code jobs.start()}. */
  public void start() {
    jobs.handle(EXPIRE, Set.of(EXPIRE), 20, this::expire);
    jobs.handle(COLLECT, Set.of(COLLECT), 20, this::collect);
  }

  /** The face that takes and gives contents, where the storage has none of its own. */
  public FileContent face() {
    return new FileContent(
        this, storage instanceof LocalStorage local ? local : null, settings.maxSize());
  }

  Linked create(Mandate mandate, Draft draft) {
    authorizer.require(mandate, "files.create");
    Instant now = clock.instant();
    StoredFile file = announced(mandate, draft, now);
    db.run(
        mandate,
        tx -> {
          if (!store.touchBlob(tx, file.sha256(), now)) {
            throw Failure.of(
                Failure.Code.UNAVAILABLE,
                "CONTENT_GOING",
                "the same content is being deleted at this moment: try again");
          }
          store.insert(tx, file);
          if (store.use(tx, counted(file)) > settings.quota()) {
            throw Failure.of(
                Failure.Code.RESOURCE_EXHAUSTED,
                "FILE_QUOTA",
                "the organization's files would take more than its quota of "
                    + settings.quota()
                    + " bytes: delete some first");
          }
          String payload = Json.object().put("file", file.id().toString()).toString();
          jobs.enqueue(tx, EXPIRE, payload, file.expiresAt().plus(settings.grace()), null);
          tx.audit("files.create", resource(file.id()), facts(file));
        });
    return new Linked(file, storage.upload(mandate, file, settings.pending()));
  }

  private StoredFile announced(Mandate mandate, Draft draft, Instant now) {
    checkName(draft.name());
    String type = ContentTypes.accept("content_type", draft.contentType(), settings.types());
    if (draft.size() < 1) {
      throw Failure.invalid("size", "must be at least 1");
    }
    if (draft.size() > settings.maxSize()) {
      throw Failure.invalid(
          "size", draft.size() + " bytes are more than a file may have, " + settings.maxSize());
    }
    String sha256 = draft.sha256().toLowerCase(Locale.ROOT);
    if (!SHA256.matcher(sha256).matches()) {
      throw Failure.invalid("sha256", "must be 64 hexadecimal digits");
    }
    return new StoredFile(
        new FileId(Ids.next()),
        draft.name(),
        type,
        draft.size(),
        sha256,
        false,
        owner(mandate),
        now,
        null,
        now.plus(settings.pending()));
  }

  /** A name is shown and offered for saving: it is no path and hides nothing. */
  private static void checkName(String name) {
    if (name.isBlank()) {
      throw Failure.invalid("name", "is required");
    }
    if (name.codePointCount(0, name.length()) > MAX_NAME) {
      throw Failure.invalid("name", "takes at most " + MAX_NAME + " characters");
    }
    if (name.indexOf('/') >= 0 || name.indexOf('\\') >= 0 || name.matches("\\.+")) {
      throw Failure.invalid("name", "must be a file's name alone, not a path");
    }
    boolean hidden =
        name.codePoints()
            .anyMatch(c ->
                switch (Character.getType(c)) {
                  case Character.CONTROL,
                      Character.FORMAT,
                      Character.SURROGATE,
                      Character.LINE_SEPARATOR,
                      Character.PARAGRAPH_SEPARATOR ->
                      true;
                  default -> false;
                });
    if (hidden) {
      throw Failure.invalid("name", "must not hold characters that cannot be seen");
    }
  }

  Page<StoredFile> list(Mandate mandate, Page.Request page) {
    authorizer.require(mandate, "files.list");
    return db.read(
        mandate,
        tx -> Page.cut(store.list(tx, owner(mandate), page), page, file -> file.id().toString()));
  }

  Linked get(Mandate mandate, FileId id) {
    authorizer.require(mandate, "files.get");
    StoredFile file = db.read(mandate, tx -> require(tx, id));
    if (file.complete()) {
      return new Linked(file, storage.download(mandate, file, settings.link()));
    }
    Duration left = Duration.between(clock.instant(), file.expiresAt());
    if (!left.isPositive()) {
      throw expired();
    }
    return new Linked(file, storage.upload(mandate, file, left));
  }

  /** Makes the file of what was sent, if that is what was announced. */
  StoredFile complete(Mandate mandate, FileId id) {
    authorizer.require(mandate, "files.complete");
    StoredFile file = db.read(mandate, tx -> own(tx, id));
    if (file.complete()) {
      return file;
    }
    if (!clock.instant().isBefore(file.expiresAt())) {
      throw expired();
    }
    store(mandate, file);
    return db.write(
            mandate,
            tx -> {
              boolean first = store.complete(tx, id, clock.instant());
              Optional<StoredFile> now = store.find(tx, id);
              if (now.isEmpty()) {
                // Given up meanwhile: nothing may stay behind.
                store.touchBlob(tx, file.sha256(), clock.instant());
                collect(tx, file.sha256(), collectAt());
              } else if (first) {
                tx.audit("files.complete", resource(id), facts(file));
              }
              return now;
            })
        .orElseThrow(Files::expired);
  }

  private void store(Mandate mandate, StoredFile file) {
    try (FileStorage.Draft draft = storage.draft(mandate.org(), file.id())) {
      if (draft == null) {
        throw Failure.precondition(
            "NOTHING_SENT", "no content was sent yet: PUT it to the upload address first");
      }
      Checksum checksum = new Checksum(file);
      String problem = checksum.readAll(draft.content());
      if (problem != null) {
        storage.discard(mandate.org(), file.id());
        throw Failure.precondition("CONTENT_REFUSED", problem + "; send it again");
      }
      if (!storage.keep(mandate.org(), file.id(), draft.tag(), file.sha256())) {
        throw Failure.of(
            Failure.Code.ABORTED, "CONTENT_CHANGED", "the content was sent again meanwhile");
      }
    } catch (IOException e) {
      throw FileStorage.failure(e);
    }
  }

  void delete(Mandate mandate, FileId id) {
    authorizer.require(mandate, "files.delete");
    db.run(
        mandate,
        tx -> {
          own(tx, id);
          try {
            store
                .delete(tx, id, null)
                .ifPresent(file -> gone(tx, file, "files.delete", collectAt()));
          } catch (JdbiException e) {
            if (Sql.constraint(e) != null) {
              throw Failure.precondition(
                  "FILE_IN_USE", "a message carries this file: it stays as long as the message");
            }
            throw e;
          }
        });
  }

  /** What everybody does who deletes a row. */
  static void gone(Tx tx, StoredFile file, String action, Instant collectAt) {
    new FileStore().use(tx, -counted(file));
    collect(tx, file.sha256(), collectAt);
    tx.audit(action, resource(file.id()), facts(file));
  }

  private static void collect(Tx tx, String sha256, Instant at) {
    Jobs.put(tx, COLLECT, Json.object().put("sha256", sha256).toString(), at, null);
  }

  private Instant collectAt() {
    return clock.instant().plus(settings.grace());
  }

  /** Its time to be sent is over: a pending file goes, and whatever was sent but not kept. */
  private void expire(Mandate mandate, Job job) throws IOException {
    FileId id = FileId.parse("file", Json.read(job.payload()).get("file").textValue());
    db.run(
        mandate,
        tx ->
            store
                .delete(tx, id, clock.instant())
                .ifPresent(file -> gone(tx, file, "files.expire", collectAt())));
    storage.discard(job.org(), id);
  }

  /** Deletes a content that no file has any more. */
  private void collect(Mandate mandate, Job job) throws IOException {
    String sha256 = Json.read(job.payload()).get("sha256").textValue();
    Instant since = clock.instant().minus(settings.grace());
    if (db.write(mandate, tx -> store.doomBlob(tx, sha256, since))) {
      storage.delete(job.org(), sha256);
      db.run(mandate, tx -> store.deleteBlob(tx, sha256));
    }
  }

  /**
   * For those who show contents on: a content of the mandate's organization, at most {@code max}
   * bytes of it. The caller has made sure that its reader may see it. Null if it is not there.
   */
  public byte @Nullable [] content(Mandate mandate, String sha256, int max) {
    try (InputStream in = storage.read(mandate.org(), sha256)) {
      return in == null ? null : in.readNBytes(max);
    } catch (IOException e) {
      throw FileStorage.failure(e);
    }
  }

  /**
   * For {@code threads}: a complete file that the transaction's mandate may see.
   *
   * @param field named in the error for one that is still pending
   */
  public StoredFile requireComplete(Tx tx, String field, FileId id) {
    StoredFile file = require(tx, id);
    if (!file.complete()) {
      throw Failure.invalid(field, "the file is still pending: complete it first");
    }
    return file;
  }

  /** Whether contents of this type are text, in UTF-8. */
  public static boolean isText(String contentType) {
    return ContentTypes.isText(contentType);
  }

  /** The pending file that an address is good for, to put its content in. */
  StoredFile receiving(Mandate mandate, FileId id) {
    authorizer.require(mandate, "files.create");
    StoredFile file = db.read(mandate, tx -> own(tx, id));
    if (file.complete()) {
      throw Failure.precondition(
          "FILE_COMPLETE", "the file is complete, its content does not change any more");
    }
    if (!clock.instant().isBefore(file.expiresAt())) {
      throw expired();
    }
    return file;
  }

  /** The complete file that an address is good for, to give its content out. */
  StoredFile sending(Mandate mandate, FileId id) {
    authorizer.require(mandate, "files.get");
    return db.read(mandate, tx -> requireComplete(tx, "id", id));
  }

  Mandate verify(String verb, FileId id, String token, Mandate.Origin origin) {
    return links.verify(verb, id, token, origin);
  }

  private StoredFile require(Tx tx, FileId id) {
    return store
        .find(tx, id)
        .filter(file -> owns(tx.mandate(), file) || sharing.shared(tx, id))
        .orElseThrow(() -> Failure.notFound("file"));
  }

  /** What is shared can be seen, but only its owner changes it. */
  private StoredFile own(Tx tx, FileId id) {
    return store
        .find(tx, id)
        .filter(file -> owns(tx.mandate(), file))
        .orElseThrow(() -> Failure.notFound("file"));
  }

  private static boolean owns(Mandate mandate, StoredFile file) {
    return owner(mandate).equals(file.owner());
  }

  /** The person at the root: an agent's files are those of whom it acts for. */
  private static Principal owner(Mandate mandate) {
    return mandate.chain().getLast();
  }

  private static long counted(StoredFile file) {
    return Math.max(LEAST, file.size());
  }

  private static String resource(FileId id) {
    return "file:" + id;
  }

  /** Not the name: it may be personal. */
  private static String facts(StoredFile file) {
    return Json.object()
        .put("contentType", file.contentType())
        .put("size", file.size())
        .put("sha256", file.sha256())
        .toString();
  }

  private static Failure expired() {
    return Failure.precondition(
        "FILE_EXPIRED", "the file was not completed in time: announce it again");
  }
}
