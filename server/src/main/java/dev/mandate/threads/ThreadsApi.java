package dev.mandate.threads;

import dev.mandate.agents.AgentId;
import dev.mandate.api.threads.v1.BranchThreadRequest;
import dev.mandate.api.threads.v1.CreateMessageRequest;
import dev.mandate.api.threads.v1.CreateThreadRequest;
import dev.mandate.api.threads.v1.GetThreadRequest;
import dev.mandate.api.threads.v1.ListMessagesRequest;
import dev.mandate.api.threads.v1.ListMessagesResponse;
import dev.mandate.api.threads.v1.ListThreadsRequest;
import dev.mandate.api.threads.v1.ListThreadsResponse;
import dev.mandate.api.threads.v1.MarkReadRequest;
import dev.mandate.api.threads.v1.MarkReadResponse;
import dev.mandate.api.threads.v1.ThreadsProto;
import dev.mandate.files.FileId;
import dev.mandate.kernel.Ids;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.Principal;
import dev.mandate.kernel.rpc.Binder;
import dev.mandate.kernel.rpc.Timestamps;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** {@code mandate.threads.v1.ThreadService}. */
public final class ThreadsApi {
  private final Threads threads;

  public ThreadsApi(Threads threads) {
    this.threads = threads;
  }

  public void bind(Binder binder) {
    binder
        .service(ThreadsProto.getDescriptor().findServiceByName("ThreadService"))
        .unary("ListThreads", ListThreadsRequest.getDefaultInstance(), this::list)
        .unary("CreateThread", CreateThreadRequest.getDefaultInstance(), this::create)
        .unary("GetThread", GetThreadRequest.getDefaultInstance(), this::get)
        .unary("ListMessages", ListMessagesRequest.getDefaultInstance(), this::messages)
        .unary("CreateMessage", CreateMessageRequest.getDefaultInstance(), this::post)
        .unary("BranchThread", BranchThreadRequest.getDefaultInstance(), this::branch)
        .unary("MarkRead", MarkReadRequest.getDefaultInstance(), this::markRead);
  }

  private ListThreadsResponse list(Mandate mandate, ListThreadsRequest request) {
    Page<Conversation> page =
        threads.list(mandate, Page.Request.of(request.getPageSize(), request.getPageToken()));
    return ListThreadsResponse.newBuilder()
        .addAllThreads(page.map(ThreadsApi::wire).items())
        .setNextPageToken(page.nextToken())
        .build();
  }

  private dev.mandate.api.threads.v1.Thread create(Mandate mandate, CreateThreadRequest request) {
    List<AgentId> agents = new ArrayList<>();
    for (int i = 0; i < request.getAgentIdsCount(); i++) {
      agents.add(AgentId.parse("agent_ids[" + i + "]", request.getAgentIds(i)));
    }
    List<UUID> users = new ArrayList<>();
    for (int i = 0; i < request.getUserIdsCount(); i++) {
      users.add(Ids.parse("user_ids[" + i + "]", request.getUserIds(i)));
    }
    return wire(threads.create(mandate, request.getTitle(), agents, users));
  }

  private dev.mandate.api.threads.v1.Thread get(Mandate mandate, GetThreadRequest request) {
    return wire(threads.get(mandate, ThreadId.parse("id", request.getId())));
  }

  private ListMessagesResponse messages(Mandate mandate, ListMessagesRequest request) {
    Page<Message> page =
        threads.messages(
            mandate,
            ThreadId.parse("thread_id", request.getThreadId()),
            Page.Request.of(request.getPageSize(), request.getPageToken()));
    return ListMessagesResponse.newBuilder()
        .addAllMessages(page.map(ThreadsApi::wire).items())
        .setNextPageToken(page.nextToken())
        .build();
  }

  private dev.mandate.api.threads.v1.Message post(Mandate mandate, CreateMessageRequest request) {
    List<FileId> attached = new ArrayList<>();
    for (int i = 0; i < request.getAttachmentsCount(); i++) {
      attached.add(FileId.parse("attachments[" + i + "]", request.getAttachments(i)));
    }
    return wire(
        threads.post(
            mandate,
            ThreadId.parse("thread_id", request.getThreadId()),
            request.getText(),
            optional("parent_id", request.getParentId()),
            attached));
  }

  private dev.mandate.api.threads.v1.Thread branch(Mandate mandate, BranchThreadRequest request) {
    return wire(
        threads.branch(
            mandate,
            ThreadId.parse("thread_id", request.getThreadId()),
            MessageId.parse("message_id", request.getMessageId()),
            request.getText()));
  }

  private MarkReadResponse markRead(Mandate mandate, MarkReadRequest request) {
    int unread =
        threads.markRead(
            mandate,
            ThreadId.parse("id", request.getId()),
            optional("message_id", request.getMessageId()));
    return MarkReadResponse.newBuilder().setUnreadCount(unread).build();
  }

  private static @Nullable MessageId optional(String field, String id) {
    return id.isEmpty() ? null : MessageId.parse(field, id);
  }

  private static dev.mandate.api.threads.v1.Thread wire(Conversation thread) {
    dev.mandate.api.threads.v1.Thread.Builder wire =
        dev.mandate.api.threads.v1.Thread.newBuilder()
            .setId(thread.id().toString())
            .setTitle(thread.title())
            .addAllParticipants(thread.participants().stream().map(Principal::toString).toList())
            .setUnreadCount(thread.unreadCount())
            .setCreatedAt(Timestamps.of(thread.createdAt()))
            .setLastActivityAt(Timestamps.of(thread.lastActivityAt()));
    ThreadId origin = thread.branchedFrom();
    if (origin != null) {
      wire.setBranchedFrom(origin.toString()).setBranchedAt(thread.branchedAt());
    }
    UUID parent = thread.parentRunId();
    if (parent != null) {
      wire.setParentRunId(parent.toString());
    }
    return wire.build();
  }

  private static dev.mandate.api.threads.v1.Message wire(Message message) {
    dev.mandate.api.threads.v1.Message.Builder wire =
        dev.mandate.api.threads.v1.Message.newBuilder()
            .setId(message.id().toString())
            .setThreadId(message.threadId().toString())
            .setPosition(message.position())
            .setAuthor(message.author().toString())
            .setText(message.text())
            .setCreatedAt(Timestamps.of(message.createdAt()));
    message.attachments().forEach(each -> wire.addAttachments(each.wire()));
    MessageId parent = message.parentId();
    if (parent != null) {
      wire.setParentId(parent.toString());
    }
    UUID run = message.runId();
    if (run != null) {
      wire.setRunId(run.toString());
    }
    return wire.build();
  }
}
