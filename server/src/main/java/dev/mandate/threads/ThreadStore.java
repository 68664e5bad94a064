package dev.mandate.threads;

import com.fasterxml.jackson.databind.JsonNode;
import dev.mandate.files.FileId;
import dev.mandate.kernel.Json;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Later;
import dev.mandate.kernel.db.Sql;
import dev.mandate.kernel.db.Tx;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The SQL of threads, participants and messages. */
final class ThreadStore {
  private static final String MESSAGES =
      """
      select m.id, m.thread_id, m.position, m.parent_id, m.author, m.text, m.run_id,
        m.created_at, (
          select jsonb_agg(
            jsonb_build_object('file', a.file_id, 'name', a.name, 'type', a.content_type,
              'size', a.size, 'sha256', a.sha256) order by a.place)
          from message_attachments a
          where a.org_id = m.org_id and a.message_id = m.id) as attachments
      from messages m
      """;

  void insert(Tx tx, ThreadId id, String title, @Nullable UUID parentRun) {
    tx.sql()
        .createUpdate(
            """
            insert into threads (org_id, id, title, parent_run_id, created_by)
            values (:org, :id, :title, :parentRun, :by)
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("title", title)
        .bind("parentRun", parentRun)
        .bind("by", tx.mandate().actor().toString())
        .execute();
  }

  /** Notes where a new thread's history comes from, and how long it is. */
  void markBranch(Tx tx, ThreadId id, ThreadId origin, long position) {
    tx.sql()
        .createUpdate(
            """
            update threads
            set branched_from = :origin, branched_at = :position, last_position = :position
            where org_id = :org and id = :id
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("origin", origin.value())
        .bind("position", position)
        .execute();
  }

  void insertParticipants(Tx tx, ThreadId id, List<Principal> participants) {
    tx.sql()
        .createUpdate(
            """
            insert into thread_participants (org_id, thread_id, principal)
            select :org, :thread, unnest(cast(:principals as text[]))
            """)
        .bind("org", tx.org().value())
        .bind("thread", id.value())
        .bind("principals", participants.stream().map(Principal::toString).toArray(String[]::new))
        .execute();
  }

  /**
   * Takes the next position under the thread's lock; 0 if there is no such thread. From here on
   * this transaction decides what is last in the thread.
   */
  long nextPosition(Tx tx, ThreadId id) {
    return tx.sql()
        .createQuery(
            """
            update threads set last_position = last_position + 1, last_activity_at = now()
            where org_id = :org and id = :id
            returning last_position
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .mapTo(long.class)
        .findOne()
        .orElse(0L);
  }

  void insertMessage(
      Tx tx,
      MessageId id,
      ThreadId thread,
      long position,
      @Nullable MessageId parent,
      Principal author,
      String text,
      @Nullable UUID run) {
    tx.sql()
        .createUpdate(
            """
            insert into messages
              (org_id, id, thread_id, position, parent_id, author, text, run_id)
            values (:org, :id, :thread, :position, :parent, :author, :text, :run)
            """)
        .bind("org", tx.org().value())
        .bind("id", id.value())
        .bind("thread", thread.value())
        .bind("position", position)
        .bind("parent", parent == null ? null : parent.value())
        .bind("author", author.toString())
        .bind("text", text)
        .bind("run", run)
        .execute();
  }

  void insertAttachments(Tx tx, MessageId message, List<Attachment> attachments) {
    int place = 0;
    for (Attachment each : attachments) {
      tx.sql()
          .createUpdate(
              """
              insert into message_attachments
                (org_id, message_id, place, file_id, name, content_type, size, sha256)
              values (:org, :message, :place, :file, :name, :type, :size, :sha256)
              """)
          .bind("org", tx.org().value())
          .bind("message", message.value())
          .bind("place", ++place)
          .bind("file", each.file().value())
          .bind("name", each.name())
          .bind("type", each.contentType())
          .bind("size", each.size())
          .bind("sha256", each.sha256())
          .execute();
    }
  }

  /** Counts a new message as unread for everybody but its author. */
  void countUnread(Tx tx, ThreadId thread, long position, Principal author) {
    tx.sql()
        .createUpdate(
            """
            update thread_participants
            set unread_count = case when principal = :author then 0 else unread_count + 1 end,
              read_position = case when principal = :author then :position else read_position end,
              last_activity_at = now()
            where org_id = :org and thread_id = :thread
            """)
        .bind("org", tx.org().value())
        .bind("thread", thread.value())
        .bind("author", author.toString())
        .bind("position", position)
        .execute();
  }

  /** Marks as read up to a position and returns how many are still unread. */
  Optional<Integer> markRead(Tx tx, ThreadId thread, Principal reader, long position) {
    return tx.sql()
        .createQuery(
            """
            update thread_participants p
            set read_position = greatest(p.read_position, least(:position, t.last_position)),
              unread_count = (
                select count(*) from messages m
                where m.org_id = p.org_id and m.thread_id = p.thread_id
                  and m.position > greatest(p.read_position, least(:position, t.last_position))
                  and m.author <> p.principal)
            from threads t
            where p.org_id = :org and p.thread_id = :thread and p.principal = :reader
              and t.org_id = p.org_id and t.id = p.thread_id
            returning unread_count
            """)
        .bind("org", tx.org().value())
        .bind("thread", thread.value())
        .bind("reader", reader.toString())
        .bind("position", position)
        .mapTo(Integer.class)
        .findOne();
  }

  Later<Optional<Conversation>> find(Tx tx, ThreadId id, Principal viewer) {
    return tx.later(
        """
        select t.id, t.title, t.created_at, t.last_activity_at, t.parent_run_id,
          t.branched_from, t.branched_at,
          coalesce((
            select p.unread_count from thread_participants p
            where p.org_id = t.org_id and p.thread_id = t.id and p.principal = ?),
            0) as unread_count,
          array(
            select p.principal from thread_participants p
            where p.org_id = t.org_id and p.thread_id = t.id order by p.principal)
            as participants
        from threads t
        where t.org_id = ? and t.id = ?
        """,
        values -> values.text(viewer.toString()).uuid(tx.org().value()).uuid(id.value()),
        Sql.one(row -> conversation(row, null)));
  }

  /**
   * Threads that both take part in, as {@code viewer} sees them, newest first.
   *
   * @param person may be the viewer
   */
  List<Conversation> list(Tx tx, Principal viewer, Principal person, Page.Request page) {
    return tx.sql()
        .createQuery(
            """
            select t.id, t.title, t.created_at, t.last_activity_at, t.parent_run_id,
              t.branched_from, t.branched_at,
              p.unread_count,
              array(
                select o.principal from thread_participants o
                where o.org_id = t.org_id and o.thread_id = t.id order by o.principal)
                as participants
            from thread_participants p
            join threads t on t.org_id = p.org_id and t.id = p.thread_id
            where p.org_id = :org and p.principal = :viewer
              and exists (
                select 1 from thread_participants b
                where b.org_id = p.org_id and b.thread_id = p.thread_id and b.principal = :person)
              and (cast(:before as uuid) is null or p.thread_id < cast(:before as uuid))
            order by p.thread_id desc
            limit :limit
            """)
        .bind("org", tx.org().value())
        .bind("viewer", viewer.toString())
        .bind("person", person.toString())
        .bind("before", page.afterId())
        .bind("limit", page.size() + 1)
        .map(ThreadStore::conversation)
        .list();
  }

  List<Message> messages(Tx tx, ThreadId thread, long after, int limit) {
    return tx.sql()
        .createQuery(
            MESSAGES
                + """
                where m.org_id = :org and thread_id = :thread and position > :after
                order by position
                limit :limit
                """)
        .bind("org", tx.org().value())
        .bind("thread", thread.value())
        .bind("after", after)
        .bind("limit", limit)
        .map(ThreadStore::message)
        .list();
  }

  Optional<Message> findMessage(Tx tx, ThreadId thread, MessageId id) {
    return tx.sql()
        .createQuery(
            MESSAGES
                + """
                where m.org_id = :org and thread_id = :thread and id = :id
                """)
        .bind("org", tx.org().value())
        .bind("thread", thread.value())
        .bind("id", id.value())
        .map(ThreadStore::message)
        .findOne();
  }

  Later<List<Message>> messagesAt(Tx tx, ThreadId thread, Collection<Long> positions) {
    return tx.later(
        MESSAGES
            + """
            where m.org_id = ? and m.thread_id = ? and m.position = any(?)
            """,
        values ->
            values.uuid(tx.org().value()).uuid(thread.value()).array("int8", positions.toArray()),
        Sql.all(row -> message(row, null)));
  }

  private static Conversation conversation(ResultSet row, @Nullable StatementContext context)
      throws SQLException {
    Array principals = row.getArray("participants");
    List<Principal> participants = new ArrayList<>();
    for (String principal : (String[]) principals.getArray()) {
      participants.add(Principal.parse(principal));
    }
    UUID origin = row.getObject("branched_from", UUID.class);
    return new Conversation(
        new ThreadId(row.getObject("id", UUID.class)),
        row.getString("title"),
        List.copyOf(participants),
        row.getInt("unread_count"),
        row.getTimestamp("created_at").toInstant(),
        row.getTimestamp("last_activity_at").toInstant(),
        row.getObject("parent_run_id", UUID.class),
        origin == null ? null : new ThreadId(origin),
        row.getLong("branched_at"));
  }

  private static Message message(ResultSet row, @Nullable StatementContext context)
      throws SQLException {
    UUID parent = row.getObject("parent_id", UUID.class);
    return new Message(
        new MessageId(row.getObject("id", UUID.class)),
        new ThreadId(row.getObject("thread_id", UUID.class)),
        row.getLong("position"),
        parent == null ? null : new MessageId(parent),
        Principal.parse(row.getString("author")),
        row.getString("text"),
        row.getObject("run_id", UUID.class),
        row.getTimestamp("created_at").toInstant(),
        attachments(row.getString("attachments")));
  }

  private static List<Attachment> attachments(@Nullable String json) {
    List<Attachment> attachments = new ArrayList<>();
    if (json != null) {
      for (JsonNode each : Json.read(json)) {
        attachments.add(
            new Attachment(
                new FileId(UUID.fromString(each.get("file").textValue())),
                each.get("name").textValue(),
                each.get("type").textValue(),
                each.get("size").longValue(),
                each.get("sha256").textValue()));
      }
    }
    return attachments;
  }
}
