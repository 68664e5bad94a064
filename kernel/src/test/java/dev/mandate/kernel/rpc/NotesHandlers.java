package dev.mandate.kernel.rpc;

import com.google.protobuf.Timestamp;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.KernelDatabase;
import dev.mandate.kernel.events.Event;
import dev.mandate.kernel.events.Events;
import dev.mandate.kernel.events.Wakeups;
import dev.mandate.kernel.rpc.notes.ArchiveNoteRequest;
import dev.mandate.kernel.rpc.notes.CreateNoteRequest;
import dev.mandate.kernel.rpc.notes.DeleteNoteResponse;
import dev.mandate.kernel.rpc.notes.GetNoteRequest;
import dev.mandate.kernel.rpc.notes.ListNotesRequest;
import dev.mandate.kernel.rpc.notes.ListNotesResponse;
import dev.mandate.kernel.rpc.notes.MakeKeyResponse;
import dev.mandate.kernel.rpc.notes.Note;
import dev.mandate.kernel.rpc.notes.NoteEvent;
import dev.mandate.kernel.rpc.notes.NotesProto;
import dev.mandate.kernel.rpc.notes.ReplaceNoteRequest;
import dev.mandate.kernel.rpc.notes.SignInRequest;
import dev.mandate.kernel.rpc.notes.SignInResponse;
import dev.mandate.kernel.rpc.notes.WatchNotesRequest;
import dev.mandate.kernel.rpc.notes.WhoAmIRequest;
import dev.mandate.kernel.rpc.notes.WhoAmIResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** A small domain behind the test contract: notes in memory. */
final class NotesHandlers {
  final Map<String, Note> notes = new ConcurrentHashMap<>();
  final AtomicInteger created = new AtomicInteger();

  /** Calls that wait until they are interrupted. */
  final AtomicInteger entered = new AtomicInteger();

  final AtomicInteger interrupted = new AtomicInteger();
  final AtomicInteger watching = new AtomicInteger();
  final AtomicInteger read = new AtomicInteger();
  final List<NoteEvent> events = new ArrayList<>();
  private final Db db;
  private final Wakeups wakeups;

  NotesHandlers(Db db, Wakeups wakeups) {
    this.db = db;
    this.wakeups = wakeups;
  }

  void bind(Binder binder) {
    binder
        .service(NotesProto.getDescriptor().findServiceByName("NoteService"))
        .unary("CreateNote", CreateNoteRequest.getDefaultInstance(), this::create)
        .unary("GetNote", GetNoteRequest.getDefaultInstance(), Duration.ofMillis(800), this::get)
        .unary("ListNotes", ListNotesRequest.getDefaultInstance(), this::list)
        .unary("ReplaceNote", ReplaceNoteRequest.getDefaultInstance(), this::replace)
        .unary("ArchiveNote", ArchiveNoteRequest.getDefaultInstance(), this::archive)
        .unary(
            "DeleteNote",
            GetNoteRequest.getDefaultInstance(),
            (mandate, request) -> DeleteNoteResponse.getDefaultInstance())
        .stream("WatchNotes", WatchNotesRequest.getDefaultInstance(), this::watch);
    binder
        .service(NotesProto.getDescriptor().findServiceByName("DoorService"))
        .open("SignIn", SignInRequest.getDefaultInstance(), this::signIn)
        .unary("WhoAmI", WhoAmIRequest.getDefaultInstance(), this::who)
        .unary(
            "MakeKey",
            WhoAmIRequest.getDefaultInstance(),
            (mandate, request) -> {
              db.run(mandate, tx -> tx.emit("keys", "key.made", "{}"));
              return MakeKeyResponse.newBuilder().setSecret("k-1").build();
            });
  }

  Note create(Mandate mandate, CreateNoteRequest request) {
    if (request.getTitle().isEmpty()) {
      throw Failure.invalid("title", "is required");
    }
    if (request.getTitle().equals("taken")) {
      throw Failure.exists("TITLE_TAKEN", "there is a note 'taken'").with("title", "taken");
    }
    if (request.getTitle().equals("broken")) {
      throw new IllegalStateException("the secret reason");
    }
    Note note =
        Note.newBuilder()
            .setId("n" + created.incrementAndGet())
            .setTitle(request.getTitle())
            .setText(request.getText())
            .addAllTags(request.getTagsList())
            .setColor(request.getColor())
            .setVersion(1L << 60)
            .setCreatedAt(Timestamp.newBuilder().setSeconds(1_700_000_000).setNanos(5_000_000))
            .build();
    db.run(mandate, tx -> tx.emit("notes", "note.created", "{}"));
    notes.put(note.getId(), note);
    return note;
  }

  private Note get(Mandate mandate, GetNoteRequest request) {
    if (request.getId().equals("slow")) {
      entered.incrementAndGet();
      try {
        new CountDownLatch(1).await();
      } catch (InterruptedException e) {
        interrupted.incrementAndGet();
        throw Failure.unavailable("interrupted", e);
      }
    }
    if (request.getId().equals("echo")) {
      return Note.newBuilder().setId("echo").setShelf(request.getShelf()).build();
    }
    Note note = notes.get(request.getId());
    if (note == null) {
      throw Failure.notFound("note");
    }
    return note;
  }

  private ListNotesResponse list(Mandate mandate, ListNotesRequest request) {
    return ListNotesResponse.newBuilder().setRequest(request).build();
  }

  private Note replace(Mandate mandate, ReplaceNoteRequest request) {
    return request.getNote().toBuilder().setText(request.getDryRun() ? "dry" : "wet").build();
  }

  private Note archive(Mandate mandate, ArchiveNoteRequest request) {
    return Note.newBuilder().setId(request.getId()).setText(request.getReason()).build();
  }

  private SignInResponse signIn(Mandate.Origin origin, SignInRequest request) {
    Exchange.header("set-cookie", "mandate_session=s-" + request.getName() + "; HttpOnly");
    return SignInResponse.newBuilder().setGreeting("hello " + request.getName()).build();
  }

  private WhoAmIResponse who(Mandate mandate, WhoAmIRequest request) {
    return WhoAmIResponse.newBuilder()
        .addAllChain(mandate.chain().stream().map(Principal::toString).toList())
        .setChannel(mandate.origin().channel())
        .setTraceId(mandate.origin().traceId())
        .build();
  }

  /** What the database has of notes that were created. */
  List<Event> events(Db from) {
    return from.read(
        KernelDatabase.mandate(RpcServer.ORG), tx -> new Events().after(tx, "notes", 0, 10_000));
  }

  /** Adds an event and wakes who watches. */
  void happen(int count) {
    synchronized (events) {
      for (int i = 0; i < count; i++) {
        int number = events.size() + 1;
        events.add(
            NoteEvent.newBuilder()
                .setCursor(Integer.toString(number))
                .setCreated(Note.newBuilder().setId("n" + number))
                .build());
      }
    }
    wakeups.signal(List.of("notes"));
  }

  private void watch(Mandate mandate, WatchNotesRequest request, StreamSink<NoteEvent> sink) {
    if (request.getAfter().equals("nowhere")) {
      throw Failure.invalid("after", "is no cursor");
    }
    watching.incrementAndGet();
    sink.onClosed(watching::decrementAndGet);
    int start = request.getAfter().isEmpty() ? 0 : Integer.parseInt(request.getAfter());
    Pump.start(
        sink,
        wakeups,
        List.of("notes"),
        Duration.ofSeconds(30),
        new Pump.Source<NoteEvent>() {
          private int at = start;

          @Override
          public List<NoteEvent> next(int max) {
            if (request.getFailAt() > 0 && at >= request.getFailAt()) {
              throw Failure.precondition("NOTES_GONE", "the notes are gone");
            }
            synchronized (events) {
              int end = Math.min(events.size(), at + max);
              if (request.getCount() > 0) {
                end = Math.min(end, start + request.getCount());
              }
              if (request.getFailAt() > 0) {
                end = Math.min(end, request.getFailAt());
              }
              List<NoteEvent> batch = List.copyOf(events.subList(Math.min(at, end), end));
              at += batch.size();
              read.addAndGet(batch.size());
              return batch;
            }
          }

          @Override
          public boolean finished() {
            return request.getCount() > 0 && at >= start + request.getCount();
          }
        });
  }
}
