package dev.mandate.kernel.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.linecorp.armeria.common.AggregatedHttpRequest;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpRequestWriter;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.RequestHeadersBuilder;
import com.linecorp.armeria.server.ServiceRequestContext;
import dev.mandate.kernel.Failure;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Whose bodies are held in memory. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BodiesTest {
  private static final int LARGE = 1 << 20;

  private RpcServer server;
  private Bodies bodies;

  @BeforeAll
  void start() {
    server = new RpcServer();
    bodies =
        new Bodies(
            HttpServer.Options.MAX_BODY,
            Duration.ofSeconds(30),
            server.table.ports().authentication());
  }

  @AfterAll
  void stop() {
    server.close();
  }

  /**
   * A request as it was read.
   *
   * @param kept the bytes of its body that were held
   */
  private record Read(ServiceRequestContext ctx, int kept) {}

  private Read read(Map<String, String> headers, int length) throws Exception {
    RequestHeadersBuilder builder = RequestHeaders.builder(HttpMethod.POST, "/api/v1/notes");
    headers.forEach(builder::set);
    HttpRequestWriter request = HttpRequest.streaming(builder.build());
    ServiceRequestContext ctx = ServiceRequestContext.of(request);
    Method method =
        Objects.requireNonNull(server.table.find("mandate.notes.v1.NoteService.CreateNote"));
    CompletableFuture<AggregatedHttpRequest> read = bodies.read(ctx, request, method, "rest");
    request.write(HttpData.wrap(new byte[length]));
    request.close();
    return new Read(ctx, read.get(30, TimeUnit.SECONDS).content().length());
  }

  @Test
  void nothingIsKeptOfWhatStrangersSend() throws Exception {
    for (Map<String, String> headers :
        java.util.List.of(
            Map.<String, String>of(),
            Map.of("content-length", Integer.toString(LARGE)),
            Map.of("authorization", "Bearer forged"),
            Map.of("authorization", "Bearer forged", "content-length", Integer.toString(LARGE)),
            Map.of("cookie", "mandate_session=s-ann", "sec-fetch-site", "cross-site"))) {
      Read read = read(headers, LARGE);
      assertThat(read.kept()).as(headers.toString()).isZero();
      Failure refused = Objects.requireNonNull(Bodies.refused(read.ctx()));
      assertThat(refused.code()).isEqualTo(Failure.Code.UNAUTHENTICATED);
    }
  }

  @Test
  void whoIsKnownMaySendMoreAndWhatIsSmallIsNotAskedAbout() throws Exception {
    Read known = read(Map.of("authorization", "Bearer ann"), LARGE);
    assertThat(known.kept()).isEqualTo(LARGE);
    assertThat(Bodies.refused(known.ctx())).isNull();
    int asked = server.authenticated.get();
    assertThat(read(Map.of("content-length", "100"), 100).kept()).isEqualTo(100);
    assertThat(server.authenticated.get()).isEqualTo(asked);
  }
}
