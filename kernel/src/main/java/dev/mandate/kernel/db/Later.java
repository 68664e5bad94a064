package dev.mandate.kernel.db;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a transaction asked and may not have sent yet. What is asked before the first answer is
 * needed travels in one round trip.
 */
public interface Later<T extends @Nullable Object> {
  /** The answer; sends what waits if need be. Only good while the transaction is open. */
  T get();

  /** The same, made into something else when it is needed. */
  default <R extends @Nullable Object> Later<R> map(Function<? super T, ? extends R> made) {
    return () -> made.apply(get());
  }
}
