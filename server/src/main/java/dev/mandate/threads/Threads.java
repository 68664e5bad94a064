package dev.mandate.threads;

import dev.mandate.agents.AgentId;
import dev.mandate.agents.Agents;
import dev.mandate.files.FileId;
import dev.mandate.files.Files;
import dev.mandate.files.StoredFile;
import dev.mandate.kernel.Authorizer;
import dev.mandate.kernel.Failure;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Later;
import dev.mandate.kernel.db.Tx;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The rules of threads. A thread is visible to its participants only; to everybody else it answers
 * like one that does not exist.
 */
public final class Threads {
  /** Longest message in characters. */
  public static final int MAX_TEXT = 256 * 1024;

  private static final int MAX_PARTICIPANTS = 50;
  private static final int MAX_ATTACHMENTS = 10;

  /** Most messages that a branch copies. */
  private static final int MAX_BRANCH = 2_000;

  private final Db db;
  private final Authorizer authorizer;
  private final Agents agents;
  private final Files files;
  private final MessageListener listener;
  private final MemberDirectory members;
  private final ThreadStore store = new ThreadStore();

  /** Says whether a user belongs to the transaction's organization. The identity floors fill it. */
  @FunctionalInterface
  public interface MemberDirectory {
    boolean isMember(Tx tx, UUID user);
  }

  public Threads(
      Db db,
      Authorizer authorizer,
      Agents agents,
      Files files,
      MemberDirectory members,
      MessageListener listener) {
    this.db = db;
    this.authorizer = authorizer;
    this.agents = agents;
    this.files = files;
    this.members = members;
    this.listener = listener;
  }

  /** The topic of everything that happens on a thread. */
  public static String topic(ThreadId id) {
    return "thread:" + id;
  }

  /** Opens a thread of the caller and the agents and users named. */
  public Conversation create(
      Mandate mandate, String title, List<AgentId> agentIds, List<UUID> users) {
    authorizer.require(mandate, "threads.create");
    if (title.length() > 200) {
      throw Failure.invalid("title", "takes at most 200 characters");
    }
    Set<Principal> participants = new LinkedHashSet<>();
    participants.add(speaker(mandate));
    // Whatever an agent does in somebody's name, that person sees.
    participants.add(person(mandate));
    agentIds.forEach(id -> participants.add(id.principal()));
    users.forEach(id -> participants.add(Principal.user(id)));
    if (participants.size() > MAX_PARTICIPANTS) {
      throw Failure.invalid("agent_ids", "a thread takes " + MAX_PARTICIPANTS + " participants");
    }
    return db.write(
        mandate,
        tx -> {
          for (AgentId id : agentIds) {
            if (agents.find(tx, id).isEmpty()) {
              throw Failure.notFound("agent");
            }
          }
          for (UUID user : users) {
            if (!members.isMember(tx, user)) {
              throw Failure.notFound("user");
            }
          }
          ThreadId id = new ThreadId(Ids.next());
          open(tx, id, title, null, List.copyOf(participants));
          return require(tx, id);
        });
  }

  /** For {@code runs}: a sub-agent's thread, in the transaction that starts its run. */
  public ThreadId openChild(Tx tx, String title, UUID parentRun, List<Principal> participants) {
    ThreadId id = new ThreadId(Ids.next());
    open(tx, id, title, parentRun, participants);
    return id;
  }

  private void open(
      Tx tx, ThreadId id, String title, @Nullable UUID parentRun, List<Principal> participants) {
    store.insert(tx, id, title, parentRun);
    store.insertParticipants(tx, id, participants);
    tx.audit("threads.create", "thread:" + id, "{}");
  }

  public Conversation get(Mandate mandate, ThreadId id) {
    authorizer.require(mandate, "threads.get");
    return db.read(mandate, tx -> require(tx, id));
  }

  public Page<Conversation> list(Mandate mandate, Page.Request page) {
    authorizer.require(mandate, "threads.list");
    return db.read(
        mandate,
        tx ->
            Page.cut(
                store.list(tx, speaker(mandate), person(mandate), page),
                page,
                thread -> thread.id().toString()));
  }

  public Page<Message> messages(Mandate mandate, ThreadId id, Page.Request page) {
    authorizer.require(mandate, "messages.list");
    Long after = page.afterNumber();
    return db.read(
        mandate,
        tx -> {
          require(tx, id);
          return Page.cut(
              store.messages(tx, id, after == null ? 0 : after, page.size() + 1),
              page,
              message -> Long.toString(message.position()));
        });
  }

  /** Posts a person's (or a foreign agent's) message; the thread's agents will answer it. */
  public Message post(
      Mandate mandate,
      ThreadId id,
      String text,
      @Nullable MessageId parent,
      List<FileId> attached) {
    authorizer.require(mandate, "messages.create");
    if (text.isBlank() && attached.isEmpty()) {
      throw Failure.invalid("text", "is required");
    }
    if (attached.size() > MAX_ATTACHMENTS) {
      throw Failure.invalid("attachments", "a message takes " + MAX_ATTACHMENTS + " files");
    }
    if (new HashSet<>(attached).size() < attached.size()) {
      throw Failure.invalid("attachments", "names a file twice");
    }
    if (text.length() > MAX_TEXT) {
      throw Failure.invalid(
          "text", "takes at most " + MAX_TEXT + " characters, this has " + text.length());
    }
    return db.write(
        mandate,
        tx -> {
          Conversation thread = require(tx, id);
          Message message =
              append(tx, id, speaker(mandate), text, parent, null, attachments(tx, attached));
          listener.posted(tx, message, thread.participants());
          return message;
        });
  }

  private List<Attachment> attachments(Tx tx, List<FileId> attached) {
    List<Attachment> attachments = new ArrayList<>();
    for (int i = 0; i < attached.size(); i++) {
      StoredFile file = files.requireComplete(tx, "attachments[" + i + "]", attached.get(i));
      attachments.add(
          new Attachment(file.id(), file.name(), file.contentType(), file.size(), file.sha256()));
    }
    return attachments;
  }

  /**
   * A thread of the caller and the thread's agents that begins with the history up to a message.
   *
   * @param text what the caller says in place of that message; blank: nothing, the history holds it
   */
  public Conversation branch(Mandate mandate, ThreadId id, MessageId at, String text) {
    authorizer.require(mandate, "messages.branch");
    if (text.length() > MAX_TEXT) {
      throw Failure.invalid(
          "text", "takes at most " + MAX_TEXT + " characters, this has " + text.length());
    }
    return db.write(
        mandate,
        tx -> {
          Conversation origin = require(tx, id);
          long position =
              store
                  .findMessage(tx, id, at)
                  .orElseThrow(() -> Failure.notFound("message"))
                  .position();
          ThreadId branch = branch(tx, origin, text.isBlank() ? position : position - 1);
          tx.audit(
              "messages.branch",
              "thread:" + branch,
              Json.object().put("from", id.toString()).put("position", position).toString());
          if (!text.isBlank()) {
            Message message = append(tx, branch, speaker(mandate), text, null, null, List.of());
            listener.posted(tx, message, require(tx, branch).participants());
          }
          return require(tx, branch);
        });
  }

  /** For {@code runs}: a branch of a thread that the transaction's mandate sees. */
  public ThreadId branch(Tx tx, ThreadId origin, long position) {
    return branch(tx, require(tx, origin), position);
  }

  private ThreadId branch(Tx tx, Conversation origin, long position) {
    if (position > MAX_BRANCH) {
      throw Failure.precondition(
          "TOO_LONG", "a branch takes a history of at most " + MAX_BRANCH + " messages");
    }
    // What others said stays in the history; they are not drawn into what follows.
    Set<Principal> participants = new LinkedHashSet<>();
    participants.add(speaker(tx.mandate()));
    participants.add(person(tx.mandate()));
    origin.participants().stream()
        .filter(one -> one.kind() == Principal.Kind.AGENT)
        .forEach(participants::add);
    ThreadId id = new ThreadId(Ids.next());
    open(tx, id, origin.title(), null, List.copyOf(participants));
    MessageId last = null;
    for (Message message : store.messages(tx, origin.id(), 0, (int) position)) {
      MessageId copy = new MessageId(Ids.next());
      store.insertMessage(
          tx,
          copy,
          id,
          message.position(),
          last,
          message.author(),
          message.text(),
          message.runId());
      store.insertAttachments(tx, copy, message.attachments());
      last = copy;
    }
    store.markBranch(tx, id, origin.id(), position);
    return id;
  }

  /** For the floor above: an agent's message, in the transaction that ends its turn. */
  public Message postAnswer(Tx tx, ThreadId id, Principal author, String text, UUID run) {
    return append(tx, id, author, text, null, run, List.of());
  }

  /** For the floor above: the request to a sub-agent, whose run the caller starts itself. */
  public Message postRequest(Tx tx, ThreadId id, Principal author, String text) {
    return append(tx, id, author, text, null, null, List.of());
  }

  private Message append(
      Tx tx,
      ThreadId thread,
      Principal author,
      String text,
      @Nullable MessageId parent,
      @Nullable UUID run,
      List<Attachment> attachments) {
    long position = store.nextPosition(tx, thread);
    if (position == 0) {
      throw Failure.notFound("thread");
    }
    MessageId follows = parent;
    if (follows == null) {
      follows =
          store.messagesAt(tx, thread, List.of(position - 1)).get().stream()
              .map(Message::id)
              .findFirst()
              .orElse(null);
    } else if (store.findMessage(tx, thread, follows).isEmpty()) {
      throw Failure.notFound("parent message");
    }
    MessageId id = new MessageId(Ids.next());
    store.insertMessage(tx, id, thread, position, follows, author, text, run);
    store.insertAttachments(tx, id, attachments);
    store.countUnread(tx, thread, position, author);
    Message message =
        store.findMessage(tx, thread, id).orElseThrow(() -> Failure.notFound("message"));
    tx.emit(topic(thread), "message.created", Json.object().put("position", position).toString());
    tx.audit("messages.create", "message:" + id, "{}");
    return message;
  }

  /** Marks as read up to a message, or everything; returns how many are still unread. */
  public int markRead(Mandate mandate, ThreadId id, @Nullable MessageId upTo) {
    authorizer.require(mandate, "threads.read");
    return db.write(
        mandate,
        tx -> {
          require(tx, id);
          long position =
              upTo == null
                  ? Long.MAX_VALUE
                  : store
                      .findMessage(tx, id, upTo)
                      .orElseThrow(() -> Failure.notFound("message"))
                      .position();
          return store
              .markRead(tx, id, speaker(mandate), position)
              .orElseThrow(() -> Failure.notFound("thread"));
        });
  }

  /** For {@code runs}: the thread, if this transaction's mandate may see it. */
  public Conversation require(Tx tx, ThreadId id) {
    return requireLater(tx, id).get();
  }

  /** The same, asked together with something else: nothing of that is for whoever may not see. */
  public Later<Conversation> requireLater(Tx tx, ThreadId id) {
    return store
        .find(tx, id, speaker(tx.mandate()))
        .map(found ->
            found
                .filter(thread -> sees(tx.mandate(), thread))
                .orElseThrow(() -> Failure.notFound("thread")));
  }

  /** For {@code runs}: messages after a position, in order. */
  public List<Message> messagesAfter(Tx tx, ThreadId id, long position, int limit) {
    return store.messages(tx, id, position, limit);
  }

  /** For {@code runs}: the messages at positions, in no order. */
  public Later<List<Message>> messagesAt(Tx tx, ThreadId id, Collection<Long> positions) {
    return store.messagesAt(tx, id, positions);
  }

  /**
   * Whoever acts for a person sees what that person takes part in, and nothing else: an agent that
   * talks with several people keeps what one says from the others.
   */
  private static boolean sees(Mandate mandate, Conversation thread) {
    if (mandate.user() != null) {
      return thread.participants().contains(person(mandate));
    }
    List<Principal> members = new ArrayList<>(thread.participants());
    members.retainAll(mandate.chain());
    return !members.isEmpty();
  }

  /** The person at the root of the chain; without one, whoever speaks. */
  public static Principal person(Mandate mandate) {
    UUID user = mandate.user();
    return user == null ? speaker(mandate) : Principal.user(user);
  }

  /** Whose voice a mandate has: the actor; a token speaks as the one that it stands before. */
  public static Principal speaker(Mandate mandate) {
    for (Principal principal : mandate.chain()) {
      if (principal.kind() != Principal.Kind.TOKEN) {
        return principal;
      }
    }
    throw Failure.unauthenticated("a token must act for somebody");
  }
}
