package dev.mandate.server;

import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.resource.v1.Resource;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Predicate;
import java.util.zip.GZIPInputStream;

/** An OpenTelemetry collector that keeps what it is sent by OTLP over HTTP, or says nothing. */
final class Collector implements AutoCloseable {
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final List<Seen> spans = new CopyOnWriteArrayList<>();
  private final List<Map<String, String>> headers = new CopyOnWriteArrayList<>();
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final HttpServer http;

  /** A span, with all ids in hexadecimal. */
  record Seen(Span span, Resource resource) {
    String name() {
      return span.getName();
    }

    String trace() {
      return HexFormat.of().formatHex(span.getTraceId().toByteArray());
    }

    String id() {
      return HexFormat.of().formatHex(span.getSpanId().toByteArray());
    }

    String parent() {
      return HexFormat.of().formatHex(span.getParentSpanId().toByteArray());
    }

    String traceparent() {
      return "00-" + trace() + "-" + id() + "-01";
    }

    boolean failed() {
      return span.getStatus().getCode().getNumber() == 2;
    }

    Map<String, String> attributes() {
      return map(span.getAttributesList());
    }

    /** What each of its events says, in order. */
    List<Map<String, String>> events() {
      return span.getEventsList().stream().map(event -> map(event.getAttributesList())).toList();
    }
  }

  private Collector(HttpServer http) {
    this.http = http;
  }

  static Collector start() {
    return start(true);
  }

  /** Takes requests, and never answers one. */
  static Collector silent() {
    return start(false);
  }

  private static Collector start(boolean answers) {
    try {
      HttpServer http =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      Collector collector = new Collector(http);
      http.setExecutor(collector.threads);
      http.createContext(
          "/",
          exchange -> {
            if (answers) {
              collector.take(exchange);
            } else {
              collector.hang();
            }
          });
      http.start();
      return collector;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String url() {
    return "http://127.0.0.1:" + http.getAddress().getPort();
  }

  private void take(HttpExchange exchange) throws IOException {
    Map<String, String> fields = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    exchange.getRequestHeaders().forEach((name, values) -> fields.put(name, values.getFirst()));
    fields.put("path", exchange.getRequestURI().getPath());
    byte[] body;
    try (GZIPInputStream in = new GZIPInputStream(exchange.getRequestBody())) {
      body = in.readAllBytes();
    }
    synchronized (bytes) {
      bytes.write(body);
    }
    headers.add(fields);
    ExportTraceServiceRequest.parseFrom(body)
        .getResourceSpansList()
        .forEach(of ->
            of.getScopeSpansList()
                .forEach(scope ->
                    scope
                        .getSpansList()
                        .forEach(span -> spans.add(new Seen(span, of.getResource())))));
    exchange.getResponseHeaders().set("content-type", "application/x-protobuf");
    exchange.sendResponseHeaders(200, -1);
  }

  private void hang() {
    try {
      closed.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The spans of a trace, as they came. */
  List<Seen> trace(String trace) {
    return spans.stream().filter(span -> span.trace().equals(trace)).toList();
  }

  /** The one span of a trace with this name, once it is there. */
  Seen span(String trace, String name) {
    return one(span -> span.trace().equals(trace) && span.name().equals(name));
  }

  Seen one(Predicate<Seen> which) {
    return some(which, 1).getFirst();
  }

  /** Exactly so many, in the order they began. */
  List<Seen> some(Predicate<Seen> which, int count) {
    return await()
        .atMost(Duration.ofSeconds(30))
        .until(
            () ->
                spans.stream()
                    .filter(which)
                    .sorted((one, other) ->
                        Long.compare(
                            one.span().getStartTimeUnixNano(), other.span().getStartTimeUnixNano()))
                    .toList(),
            found -> found.size() == count);
  }

  /** The fields of the requests so far. */
  List<Map<String, String>> headers() {
    return List.copyOf(headers);
  }

  /** All that came, as far as it is text. */
  String text() {
    synchronized (bytes) {
      return bytes.toString(StandardCharsets.UTF_8);
    }
  }

  static Map<String, String> map(List<KeyValue> attributes) {
    Map<String, String> map = new TreeMap<>();
    attributes.forEach(each -> map.put(each.getKey(), text(each.getValue())));
    return map;
  }

  private static String text(AnyValue value) {
    return switch (value.getValueCase()) {
      case STRING_VALUE -> value.getStringValue();
      case INT_VALUE -> Long.toString(value.getIntValue());
      case ARRAY_VALUE ->
          value.getArrayValue().getValuesList().stream().map(Collector::text).toList().toString();
      default -> value.toString();
    };
  }

  @Override
  public void close() {
    closed.countDown();
    http.stop(0);
    threads.shutdownNow();
  }
}
