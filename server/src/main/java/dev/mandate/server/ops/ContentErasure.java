package dev.mandate.server.ops;

import dev.mandate.files.FileErasure;
import dev.mandate.files.FileSettings;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.db.Db;
import dev.mandate.kernel.db.Tx;
import dev.mandate.runs.RunErasure;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/**
 * Erases what a person said in one organization and what came of it: messages, logs of runs, their
 * approvals, files. What others take part in stays theirs, without the person's words.
 */
final class ContentErasure {
  private static final int BATCH = 1_000;
  private static final String ERASED = "[erased]";

  /** How long runs may take to stop. */
  private static final Duration STOP = Duration.ofSeconds(30);

  private final Db db;
  private final RunErasure runs;
  private final UUID user;
  private final Set<String> actors;
  private final String person;

  /**
   * @param actors what the person acted as in the organization: the account and its tokens
   */
  ContentErasure(Db db, UUID user, Set<String> actors) {
    this.db = db;
    this.runs = new RunErasure(db);
    this.user = user;
    this.actors = actors;
    this.person = Principal.user(user).toString();
  }

  /**
   * @param alone threads that nobody but the person and agents ever talked on
   * @param shared threads with others where the person said something
   * @param messages the person's and, where it was alone, the agents'
   * @param active runs that have not stopped in time, and others' that go on with the person's
   *     words: what they still write is not erased
   */
  record Erased(
      int alone,
      int shared,
      int messages,
      int runs,
      int steps,
      int approvals,
      int files,
      int active) {
    int total() {
      return messages + steps + approvals + files;
    }
  }

  Erased erase(Mandate mandate) {
    int active = stop(mandate);
    List<UUID> alone = db.read(mandate, this::alone);
    int shared = db.read(mandate, tx -> shared(tx, alone));
    Principal owner = Principal.user(user);
    Set<String> contents = db.read(mandate, tx -> FileErasure.contents(tx, owner));
    // First what refers to messages and files, and finds by them what it has to erase.
    RunErasure.Erased logs = runs.erase(mandate, user, actors, alone, contents);
    db.run(mandate, tx -> forget(tx, logs.runs()));
    int approvals = db.write(mandate, tx -> approvals(tx, logs.runs()));
    int files =
        db.write(mandate, tx -> FileErasure.erase(tx, owner, tx.now().plus(FileSettings.GRACE)));
    int messages = 0;
    int some;
    do {
      some = db.write(mandate, tx -> messages(tx, alone));
      messages += some;
    } while (some == BATCH);
    db.run(mandate, tx -> titles(tx, alone));
    return new Erased(
        alone.size(),
        shared,
        messages,
        logs.runs().size(),
        logs.steps(),
        approvals,
        files,
        active + logs.active());
  }

  private int stop(Mandate mandate) {
    long until = System.nanoTime() + STOP.toNanos();
    int active = runs.stop(mandate, user);
    while (active > 0 && System.nanoTime() - until < 0) {
      try {
        Thread.sleep(200);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return active;
      }
      active = runs.stop(mandate, user);
    }
    return active;
  }

  private List<UUID> alone(Tx tx) {
    return tx.sql()
        .createQuery(
            """
            select t.id from threads t
             where t.org_id = :org
               and (exists (
                   select from thread_participants p
                    where p.org_id = t.org_id and p.thread_id = t.id and p.principal = :person)
                 or exists (
                   select from runs r
                    where r.org_id = t.org_id and r.thread_id = t.id
                      and r.mandate -> 'chain' ->> -1 = :person))
               and not exists (
                 select from thread_participants p
                  where p.org_id = t.org_id and p.thread_id = t.id
                    and p.principal like 'user:%' and p.principal <> :person)
               and not exists (
                 select from messages m
                  where m.org_id = t.org_id and m.thread_id = t.id
                    and m.author like 'user:%' and m.author <> :person)
            """)
        .bind("org", tx.org())
        .bind("person", person)
        .mapTo(UUID.class)
        .list();
  }

  private int shared(Tx tx, List<UUID> alone) {
    return tx.sql()
        .createQuery(
            """
            select count(distinct thread_id) from messages
             where org_id = :org and author = :person and thread_id <> all(:alone)
            """)
        .bind("org", tx.org())
        .bind("person", person)
        .bindArray("alone", UUID.class, alone)
        .mapTo(int.class)
        .one();
  }

  private int messages(Tx tx, List<UUID> alone) {
    return tx.sql()
        .createUpdate(
            """
            update messages set text = :erased
             where org_id = :org and id in (
               select id from messages
                where org_id = :org and (author = :person or thread_id = any(:alone))
                  and text <> :erased
                limit :limit)
            """)
        .bind("org", tx.org())
        .bind("person", person)
        .bindArray("alone", UUID.class, alone)
        .bind("erased", ERASED)
        .bind("limit", BATCH)
        .execute();
  }

  private static void titles(Tx tx, List<UUID> alone) {
    tx.sql()
        .createUpdate(
            """
            update threads set title = :erased
             where org_id = :org and id = any(:alone) and title <> ''
            """)
        .bind("org", tx.org())
        .bindArray("alone", UUID.class, alone)
        .bind("erased", ERASED)
        .execute();
  }

  /**
   * Arguments of calls in the person's name, arguments that the person wrote, and the person's
   * words about any call. What a run still asks stays as it is asked.
   */
  private int approvals(Tx tx, List<UUID> runs) {
    return tx.sql()
        .createUpdate(
            """
            with written as (
              select run_id, call_id, arguments_hash from approvals
               where org_id = :org and decided_by = :person and replaces is not null)
            update approvals
               set comment = case when comment <> '' and (run_id = any(:runs) or decided_by = :person)
                     then :erased else comment end,
                   arguments = case when run_id = any(:runs) or (status <> 'PENDING'
                       and (run_id, call_id, arguments_hash) in (select * from written))
                     then '{}' else arguments end,
                   reason = case when run_id = any(:runs) then :erased else reason end
             where org_id = :org
               and ((run_id = any(:runs) and reason <> :erased)
                 or (decided_by = :person and comment not in ('', :erased))
                 or (arguments <> '{}' and status <> 'PENDING'
                   and (run_id, call_id, arguments_hash) in (select * from written)))
            """)
        .bind("org", tx.org())
        .bind("person", person)
        .bindArray("runs", UUID.class, runs)
        .bind("erased", ERASED)
        .execute();
  }

  /** What waited to be said, and what calls were answered. */
  private void forget(Tx tx, List<UUID> runs) {
    tx.sql()
        .createUpdate(
            """
            delete from run_inbox
             where org_id = :org and mandate -> 'chain' ->> -1 = :person
            """)
        .bind("org", tx.org())
        .bind("person", person)
        .execute();
    tx.sql()
        .createUpdate(
            """
            delete from idempotency_keys
             where org_id = :org and split_part(key, '/', 1) = any(:runs)
            """)
        .bind("org", tx.org())
        .bindArray("runs", String.class, runs.stream().map(UUID::toString).toList())
        .execute();
  }
}
