package dev.mandate.kernel.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.net.InetAddress;
import java.net.URI;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What may be called, and what may not. */
final class EgressGuardTest {
  private final EgressGuard guard = new EgressGuard(EgressSettings.defaults());

  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:10.0.0.1",
        "::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "2002:a00:1::1",
        "100::1"
      })
  void refusesWhatIsNotPublic(String address) {
    assertThat(AddressClass.notPublic(InetAddress.ofLiteral(address))).isNotNull();
    String host = address.contains(":") ? "[" + address + "]" : address;
    assertBlocked("http://" + host + ":8080/x");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "126.255.255.255",
        "128.0.0.1",
        "172.15.255.255",
        "172.32.0.1",
        "192.167.255.255",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2a00:1450:4001:80e::200e",
        "64:ff9b::808:808"
      })
  void takesWhatIsPublic(String address) {
    assertThat(AddressClass.notPublic(InetAddress.ofLiteral(address))).isNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://localhost/",
        "http://127.1/",
        "http://2130706433/",
        "http://0/",
        "http://[::ffff:127.0.0.1]/",
        "http://[fe80::1%25eth0]/",
        "http://user:password@1.1.1.1/",
        "ftp://1.1.1.1/",
        "file:///etc/passwd",
        "http:///nothing",
        "relative"
      })
  void refusesOtherSpellingsAndSchemes(String url) {
    assertBlocked(url);
  }

  @Test
  void theMessageNamesHostAndTheWayOutButNoMore() {
    var failure =
        catchThrowableOfType(
            EgressFailure.class,
            () -> guard.route(URI.create("http://127.0.0.1:9/secret?token=abc"), false));
    assertThat(failure.publicMessage())
        .contains("'127.0.0.1' is a loopback address")
        .contains("MANDATE_EGRESS_ALLOW=127.0.0.1:9")
        .doesNotContain("secret")
        .doesNotContain("abc");
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://1.1.1.1:0/", "http://1.1.1.1:65536/", "https://[2606::1]:70000/"})
  void refusesAPortThatIsNone(String url) {
    assertBlocked(url);
    assertThatThrownBy(() -> guard.route(URI.create(url), true))
        .isInstanceOf(EgressFailure.class)
        .hasMessageContaining("there is no port");
  }

  @Test
  void theOperatorsOwnUrlMayBePrivate() {
    assertThat(guard.route(URI.create("http://127.0.0.1:9/"), true).addresses())
        .containsExactly(InetAddress.ofLiteral("127.0.0.1"));
  }

  @Test
  void anAllowedDestinationIsAllowedByNameAddressNetworkAndPort() {
    assertAllowed("127.0.0.1:11434", "http://127.0.0.1:11434/", true);
    assertAllowed("127.0.0.1:11434", "http://127.0.0.1:11435/", false);
    assertAllowed("localhost", "http://localhost:1/", true);
    assertAllowed("10.0.0.0/8", "http://10.200.1.1/", true);
    assertAllowed("10.0.0.0/8:443", "http://10.200.1.1/", false);
    assertAllowed("10.0.0.0/8:443", "https://10.200.1.1/", true);
    assertAllowed("10.0.0.0/9", "http://10.200.1.1/", false);
    assertAllowed("[::1]:80", "http://[::1]/", true);
    assertAllowed("::1", "http://[::1]:99/", true);
    assertAllowed("*", "http://169.254.169.254/", true);
    assertAllowed("", "http://127.0.0.1/", false);
  }

  @Test
  void namesMatchWholeAndSuffixesOnlyAtADot() {
    Destinations list = Destinations.parse("X", "api.corp, .intern  *.lab:8080");
    assertThat(list.containsName("API.corp", 1)).isTrue();
    assertThat(list.containsName("x.api.corp", 1)).isFalse();
    assertThat(list.containsName("a.b.intern", 1)).isTrue();
    assertThat(list.containsName("intern", 1)).isTrue();
    assertThat(list.containsName("notintern", 1)).isFalse();
    assertThat(list.containsName("a.lab", 8080)).isTrue();
    assertThat(list.containsName("a.lab", 80)).isFalse();
  }

  @Test
  void anEntryThatIsNoneSaysWhere() {
    assertThatThrownBy(() -> Destinations.parse("NO_PROXY", "fine,no/good"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("NO_PROXY")
        .hasMessageContaining("no/good");
    assertThatThrownBy(() -> Destinations.parse("NO_PROXY", "10.0.0.0/33"))
        .hasMessageContaining("10.0.0.0/33");
  }

  @Test
  void theProxyIsTakenFromTheEnvironmentAndItsPasswordNeverQuoted() {
    EgressSettings settings =
        EgressSettings.fromEnvironment(
            Map.of(
                "https_proxy", "http://me:pass@proxy:3128",
                "HTTPS_PROXY", "http://other:1",
                "NO_PROXY", "localhost,.intern",
                "MANDATE_EGRESS_ALLOW", "10.0.0.0/8"));
    assertThat(settings.httpsProxy()).isEqualTo(URI.create("http://me:pass@proxy:3128"));
    assertThat(settings.httpProxy()).isNull();
    assertThatThrownBy(
            () -> EgressSettings.fromEnvironment(Map.of("HTTPS_PROXY", "socks://me:pass@p:1")))
        .hasMessageContaining("HTTPS_PROXY")
        .hasMessageNotContaining("pass");
  }

  @Test
  void behindAProxyNamesAreLeftToItButPrivateSpellingsAreNot() {
    EgressSettings settings =
        EgressSettings.fromEnvironment(
            Map.of("ALL_PROXY", "http://proxy.corp:3128", "NO_PROXY", ".intern"));
    EgressGuard proxied = new EgressGuard(settings);
    EgressGuard.Route route = proxied.route(URI.create("https://no.such.name.invalid/"), false);
    assertThat(route.addresses()).isEmpty();
    assertThat(route.proxy()).isEqualTo(URI.create("http://proxy.corp:3128"));
    for (String url :
        new String[] {
          "http://10.0.0.1/",
          "http://localhost/",
          "http://127.0.0.1/",
          "http://2130706433/",
          "http://0x7f.1/",
          "https://169.254.169.254/",
          "http://a.localhost/"
        }) {
      assertThatThrownBy(() -> proxied.route(URI.create(url), false))
          .as(url)
          .isInstanceOf(EgressFailure.class)
          .extracting(e -> ((EgressFailure) e).kind())
          .isEqualTo(EgressFailure.Kind.BLOCKED);
    }
  }

  private static void assertAllowed(String list, String url, boolean allowed) {
    EgressSettings defaults = EgressSettings.defaults();
    EgressGuard guard =
        new EgressGuard(
            new EgressSettings(
                Destinations.parse("MANDATE_EGRESS_ALLOW", list),
                null,
                null,
                defaults.noProxy(),
                null));
    if (allowed) {
      assertThat(guard.route(URI.create(url), false).addresses()).as(list).isNotEmpty();
    } else {
      assertThatThrownBy(() -> guard.route(URI.create(url), false))
          .as(list)
          .isInstanceOf(EgressFailure.class);
    }
  }

  private void assertBlocked(String url) {
    assertThatThrownBy(() -> guard.route(URI.create(url), false))
        .as(url)
        .isInstanceOf(EgressFailure.class)
        .extracting(e -> ((EgressFailure) e).kind())
        .isEqualTo(EgressFailure.Kind.BLOCKED);
  }
}
