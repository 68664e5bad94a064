package dev.mandate.kernel;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One page of a list, and the opaque token of the next. Pages are cut by key, not by offset, so a
 * list stays stable while it is written to.
 *
 * @param items in the list's order
 * @param nextToken empty on the last page
 */
public record Page<T>(List<T> items, String nextToken) {
  private static final int DEFAULT_SIZE = 50;
  private static final int MAX_SIZE = 200;

  /**
   * What was asked for.
   *
   * @param size how many items, 1 to 200
   * @param after the key of the last item seen; null from the beginning
   */
  public record Request(int size, @Nullable String after) {
    /**
     * Reads a list request's {@code page_size} (0: 50; more than 200: 200) and {@code page_token}.
     *
     * @throws Failure {@code INVALID_ARGUMENT} for a negative size or a token we did not make
     */
    public static Request of(int pageSize, String pageToken) {
      if (pageSize < 0) {
        throw Failure.invalid("page_size", "must not be negative");
      }
      int size = pageSize == 0 ? DEFAULT_SIZE : Math.min(pageSize, MAX_SIZE);
      return new Request(size, pageToken.isEmpty() ? null : decode(pageToken));
    }

    /** The key as a UUID, for lists ordered by id. */
    public java.util.@Nullable UUID afterId() {
      if (after == null) {
        return null;
      }
      try {
        return Ids.parse("page_token", after);
      } catch (Failure e) {
        throw badToken();
      }
    }

    /** The key as a number, for lists ordered by a sequence. */
    public @Nullable Long afterNumber() {
      if (after == null) {
        return null;
      }
      try {
        return Long.valueOf(after);
      } catch (NumberFormatException e) {
        throw badToken();
      }
    }
  }

  /**
   * Cuts the page out of {@code size + 1} rows that a store read.
   *
   * @param key an item's key in the list's order
   */
  public static <T> Page<T> cut(List<T> rows, Request request, Function<T, String> key) {
    if (rows.size() <= request.size()) {
      return new Page<>(rows, "");
    }
    List<T> items = rows.subList(0, request.size());
    return new Page<>(items, encode(key.apply(items.getLast())));
  }

  public <R> Page<R> map(Function<T, R> each) {
    List<R> mapped = new ArrayList<>(items.size());
    for (T item : items) {
      mapped.add(each.apply(item));
    }
    return new Page<>(mapped, nextToken);
  }

  /** The token of the page after a key, for lists that are not cut by {@link #cut}. */
  public static String token(String key) {
    return encode(key);
  }

  private static String encode(String key) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(("p1:" + key).getBytes(StandardCharsets.UTF_8));
  }

  private static String decode(String token) {
    try {
      String text = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
      if (text.startsWith("p1:") && encode(text.substring(3)).equals(token)) {
        return text.substring(3);
      }
    } catch (IllegalArgumentException e) {
      throw badToken();
    }
    throw badToken();
  }

  private static Failure badToken() {
    return Failure.invalid("page_token", "is not one of this list's next_page_token");
  }
}
