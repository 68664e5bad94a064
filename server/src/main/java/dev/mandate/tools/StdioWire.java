package dev.mandate.tools;

import dev.mandate.kernel.Failure;
import io.modelcontextprotocol.json.McpJsonMapper;
import io.modelcontextprotocol.spec.McpSchema;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCMessage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/** MCP over a child process: one message a line. The process ends with the connection. */
final class StdioWire extends McpWire {
  private static final Logger log = LoggerFactory.getLogger(StdioWire.class);
  private static final int MAX_WAITING = 1000;

  /** Answers to what the server asks leave room for calls, however much it asks. */
  private static final int MAX_WAITING_ANSWERS = MAX_WAITING / 2;

  private static final int STDERR_TAIL = 1000;

  private final McpServer.Stdio server;
  private final ChildProcesses processes;
  private final LinkedBlockingQueue<byte[]> outbound = new LinkedBlockingQueue<>(MAX_WAITING);
  private final StringBuilder stderr = new StringBuilder();
  private @Nullable Process process;
  private @Nullable Thread errors;

  StdioWire(McpServer.Stdio server, ChildProcesses processes, McpJsonMapper mapper) {
    super(mapper);
    this.server = server;
    this.processes = processes;
  }

  @Override
  void open() throws McpFailure {
    Process started;
    try {
      started = processes.start(server.command(), server.environment());
    } catch (IOException e) {
      throw McpFailure.notDone(
          "its program '" + Failure.excerpt(server.location()) + "' cannot be started");
    }
    process = started;
    daemon("mcp-out", () -> write(started.getOutputStream()));
    errors = daemon("mcp-err", () -> drain(started.getErrorStream()));
    daemon("mcp-in", () -> read(started));
  }

  /** Platform threads: reads from a process's pipes would pin a virtual thread's carrier. */
  private static Thread daemon(String name, Runnable work) {
    return Thread.ofPlatform().daemon().name(name).start(work);
  }

  @Override
  Mono<Void> send(JSONRPCMessage message) {
    return Mono.fromCallable(() -> {
      McpFailure gone = lost();
      if (gone != null) {
        throw McpFailure.notDone(gone.message());
      }
      String line = mapper().writeValueAsString(message) + "\n";
      boolean answer = message instanceof McpSchema.JSONRPCResponse;
      if ((answer && outbound.size() >= MAX_WAITING_ANSWERS)
          || !outbound.offer(line.getBytes(StandardCharsets.UTF_8))) {
        throw McpFailure.notDone("its server does not read what it is sent");
      }
      return null;
    });
  }

  private void write(OutputStream to) {
    try (to) {
      while (lost() == null) {
        byte[] line = outbound.poll(1, TimeUnit.SECONDS);
        if (line != null) {
          to.write(line);
          to.flush();
        }
      }
    } catch (IOException e) {
      // The reader sees the end of the process and says so.
      log.debug("a tool server stopped reading");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void read(Process from) {
    try {
      InputStream in = from.getInputStream();
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      byte[] buffer = new byte[8192];
      for (int n = in.read(buffer); n != -1; n = in.read(buffer)) {
        int start = 0;
        for (int i = 0; i < n; i++) {
          if (buffer[i] == '\n') {
            line.write(buffer, start, i - start);
            start = i + 1;
            message(line.toString(StandardCharsets.UTF_8));
            line.reset();
          }
        }
        line.write(buffer, start, n - start);
        if (line.size() > MAX_MESSAGE) {
          lose(McpFailure.lost("its server sent a message of more than 16 MiB"));
          close();
          return;
        }
      }
      lose(McpFailure.lost("its server ended" + lastWords(from)));
    } catch (IOException e) {
      lose(McpFailure.lost("its server ended" + lastWords(from)));
    }
    // What it may have started goes with it.
    processes.end(from);
  }

  private void message(String line) {
    JSONRPCMessage message;
    try {
      message = McpSchema.deserializeJsonRpcMessage(mapper(), line);
    } catch (IOException | RuntimeException e) {
      // Many servers print greetings and logs where only messages belong.
      log.debug("a tool server wrote a line that is no message ({} characters)", line.length());
      return;
    }
    deliver(message);
  }

  private void drain(InputStream from) {
    byte[] buffer = new byte[4096];
    try {
      for (int n = from.read(buffer); n != -1; n = from.read(buffer)) {
        synchronized (stderr) {
          stderr.append(new String(buffer, 0, n, StandardCharsets.UTF_8));
          if (stderr.length() > STDERR_TAIL) {
            stderr.delete(0, stderr.length() - STDERR_TAIL);
          }
        }
      }
    } catch (IOException e) {
      log.debug("a tool server's standard error ended");
    }
  }

  /** Its exit status and the end of what it wrote to standard error, without its secrets. */
  private String lastWords(Process ended) {
    String status = "";
    try {
      if (ended.waitFor(500, TimeUnit.MILLISECONDS)) {
        status = " with status " + ended.exitValue();
        Thread reader = errors;
        if (reader != null) {
          reader.join(500);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    String words;
    synchronized (stderr) {
      words = stderr.toString().strip();
    }
    for (String secret : server.secrets()) {
      if (secret.length() > 3) {
        words = words.replace(secret, "…");
      }
    }
    String last = words.substring(words.lastIndexOf('\n') + 1);
    return last.isEmpty() ? status : status + ": " + ResultText.clean(last);
  }

  @Override
  public void close() {
    lose(McpFailure.lost("the connection was closed"));
    Process running = process;
    if (running != null) {
      processes.end(running);
    }
  }
}
