package dev.mandate.kernel.egress;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolverProvider;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * Names of this JVM that change their address: each {@code *.changing.test} is this machine the
 * first time that it is looked up, and 127.0.0.2 from then on. All others are looked up as usual.
 * Java remembers no address in these tests ({@code sun.net.inetaddr.ttl}).
 */
public final class ChangingNames extends InetAddressResolverProvider {
  private static final Map<String, Integer> LOOKS = new ConcurrentHashMap<>();

  /** How often a name was looked up. */
  static int looks(String name) {
    return LOOKS.getOrDefault(name, 0);
  }

  @Override
  public InetAddressResolver get(Configuration configuration) {
    InetAddressResolver usual = configuration.builtinResolver();
    return new InetAddressResolver() {
      @Override
      public Stream<InetAddress> lookupByName(String host, LookupPolicy policy)
          throws UnknownHostException {
        if (!host.endsWith(".changing.test")) {
          return usual.lookupByName(host, policy);
        }
        int look = LOOKS.merge(host, 1, Integer::sum);
        byte[] address = {127, 0, 0, (byte) (look == 1 ? 1 : 2)};
        return Stream.of(InetAddress.getByAddress(host, address));
      }

      @Override
      public String lookupByAddress(byte[] address) throws UnknownHostException {
        return usual.lookupByAddress(address);
      }
    };
  }

  @Override
  public String name() {
    return "names that change their address";
  }
}
