package dev.mandate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Streams through the real nginx, with the buffering it does unless it is told otherwise. */
@Timeout(180)
class ProxyTest {
  private static final Path NGINX = Path.of("/usr/sbin/nginx");

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static Process nginx(Path folder, int port, int server) throws IOException {
    String configuration =
        """
        daemon off;
        worker_processes 1;
        user root;
        pid FOLDER/pid;
        error_log FOLDER/error.log;
        events {}
        http {
          access_log off;
          client_body_temp_path FOLDER/body;
          proxy_temp_path FOLDER/proxy;
          fastcgi_temp_path FOLDER/fastcgi;
          uwsgi_temp_path FOLDER/uwsgi;
          scgi_temp_path FOLDER/scgi;
          server {
            listen 127.0.0.1:PORT;
            location / {
              proxy_pass http://127.0.0.1:SERVER;
              proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            }
          }
        }
        """
            .replace("FOLDER", folder.toString())
            .replace("PORT", Integer.toString(port))
            .replace("SERVER", Integer.toString(server));
    Path file = Files.writeString(folder.resolve("nginx.conf"), configuration);
    return new ProcessBuilder(
            NGINX.toString(), "-p", folder.toString(), "-c", file.toString(), "-e", "stderr")
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("out.log").toFile())
        .start();
  }

  private static boolean listens(int port) {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void aStreamIsNotHeldBackByNginx(@TempDir Path folder) throws Exception {
    assumeTrue(
        Files.isExecutable(NGINX), "nginx is not installed: streams are not tried through it");
    try (TestServer server = TestServer.start();
        HttpClient http = HttpClient.newHttpClient()) {
      TestServer.Client owner = server.owner();
      String thread = owner.say("Operator", "Which agents do we have?");
      owner.approveUntilOver(thread);
      int port = freePort();
      Process nginx = nginx(folder, port, server.port());
      try {
        await().atMost(Duration.ofSeconds(60)).until(() -> listens(port) || !nginx.isAlive());
        assertThat(nginx.isAlive()).as(Files.readString(folder.resolve("out.log"))).isTrue();
        HttpRequest request =
            HttpRequest.newBuilder(
                    URI.create(
                        "http://127.0.0.1:" + port + "/api/v1/threads/" + thread + "/events"))
                .header("authorization", "Bearer " + owner.token())
                .build();
        HttpResponse<InputStream> answer =
            http.send(request, HttpResponse.BodyHandlers.ofInputStream());
        assertThat(answer.statusCode()).isEqualTo(200);
        // The stream stays open and quiet after this: what a proxy holds back would never come.
        int steps = owner.steps(owner.run(thread).get("id").textValue()).size();
        int seen = 0;
        try (BufferedReader events =
            new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8))) {
          for (String line; seen < steps && (line = events.readLine()) != null; ) {
            if (line.startsWith("id:")) {
              seen++;
            }
          }
        }
        assertThat(seen).isEqualTo(steps);
      } finally {
        nginx.destroy();
        nginx.waitFor();
      }
    }
  }
}
