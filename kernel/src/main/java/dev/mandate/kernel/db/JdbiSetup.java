package dev.mandate.kernel.db;

import dev.mandate.kernel.Id;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Type;
import java.sql.Types;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handles;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.argument.AbstractArgumentFactory;
import org.jdbi.v3.core.argument.Argument;
import org.jdbi.v3.core.argument.ArgumentFactory;
import org.jdbi.v3.core.argument.Arguments;
import org.jdbi.v3.core.argument.NullArgument;
import org.jdbi.v3.core.array.SqlArrayType;
import org.jdbi.v3.core.array.SqlArrayTypeFactory;
import org.jdbi.v3.core.config.ConfigRegistry;
import org.jdbi.v3.core.mapper.ColumnMapper;
import org.jdbi.v3.core.mapper.ColumnMapperFactory;
import org.jdbi.v3.core.statement.SqlStatements;
import org.jdbi.v3.core.statement.StatementExceptions;
import org.jdbi.v3.core.statement.StatementExceptions.MessageRendering;
import org.jdbi.v3.core.statement.TemplateEngine;

/** How Java values travel: typed ids as uuid, instants as timestamptz, {@link Json} as jsonb. */
final class JdbiSetup {
  private JdbiSetup() {}

  static void configure(Jdbi jdbi) {
    // Statements are static text: without templates a '<' is just a '<', and nothing is built.
    jdbi.getConfig(SqlStatements.class).setTemplateEngine(TemplateEngine.NOP);
    // What a statement was given is people's content: it must not be in a failure, and so in a log.
    jdbi.getConfig(StatementExceptions.class).setMessageRendering(MessageRendering.NONE);
    // Db ends transactions itself.
    jdbi.getConfig(Handles.class).setForceEndTransactions(false);
    // Nulls without a type: the statement tells what they are.
    jdbi.getConfig(Arguments.class).setUntypedNullArgument(new NullArgument(Types.OTHER));
    jdbi.registerArgument(new UuidArguments());
    jdbi.registerArgument(new IdArguments());
    jdbi.registerArgument(new InstantArguments());
    jdbi.registerArgument(new JsonArguments());
    jdbi.registerColumnMapper(new IdColumns());
    jdbi.registerColumnMapper(
        Instant.class,
        (row, column, context) -> {
          OffsetDateTime value = row.getObject(column, OffsetDateTime.class);
          return value == null ? null : value.toInstant();
        });
    jdbi.registerArrayType(new IdArrays());
    jdbi.registerArrayType(UUID.class, "uuid");
    jdbi.registerArrayType(String.class, "text");
    jdbi.registerArrayType(Long.class, "int8");
    jdbi.registerArrayType(Integer.class, "int4");
  }

  private static final class IdArguments implements ArgumentFactory {
    @Override
    public Optional<Argument> build(Type type, Object value, ConfigRegistry config) {
      if (value instanceof Id id) {
        return Optional.of(
            (position, statement, context) -> statement.setObject(position, id.value()));
      }
      if (type instanceof Class<?> raw && Id.class.isAssignableFrom(raw)) {
        return Optional.of(
            (position, statement, context) -> statement.setNull(position, Types.OTHER));
      }
      return Optional.empty();
    }
  }

  private static final class UuidArguments extends AbstractArgumentFactory<UUID> {
    UuidArguments() {
      super(Types.OTHER);
    }

    @Override
    protected Argument build(UUID value, ConfigRegistry config) {
      return (position, statement, context) -> statement.setObject(position, value);
    }
  }

  private static final class InstantArguments extends AbstractArgumentFactory<Instant> {
    InstantArguments() {
      super(Types.TIMESTAMP_WITH_TIMEZONE);
    }

    @Override
    protected Argument build(Instant value, ConfigRegistry config) {
      // The driver would round to microseconds, sometimes into the future.
      OffsetDateTime bound = value.truncatedTo(ChronoUnit.MICROS).atOffset(ZoneOffset.UTC);
      return (position, statement, context) -> statement.setObject(position, bound);
    }
  }

  private static final class JsonArguments extends AbstractArgumentFactory<Json> {
    JsonArguments() {
      super(Types.OTHER);
    }

    @Override
    protected Argument build(Json value, ConfigRegistry config) {
      return (position, statement, context) ->
          statement.setObject(position, value.text(), Types.OTHER);
    }
  }

  private static final class IdArrays implements SqlArrayTypeFactory {
    @Override
    public Optional<SqlArrayType<?>> build(Type type, ConfigRegistry config) {
      return type instanceof Class<?> raw && Id.class.isAssignableFrom(raw)
          ? Optional.of(SqlArrayType.<Id>of("uuid", Id::value))
          : Optional.empty();
    }
  }

  private static final class IdColumns implements ColumnMapperFactory {
    @Override
    public Optional<ColumnMapper<?>> build(Type type, ConfigRegistry config) {
      if (!(type instanceof Class<?> raw) || !Id.class.isAssignableFrom(raw)) {
        return Optional.empty();
      }
      MethodHandle constructor = constructor(raw);
      return Optional.of((row, column, context) -> {
        UUID value = row.getObject(column, UUID.class);
        if (value == null) {
          return null;
        }
        try {
          return constructor.invoke(value);
        } catch (Throwable e) {
          throw new IllegalStateException("cannot make a " + raw.getName(), e);
        }
      });
    }

    private static MethodHandle constructor(Class<?> type) {
      try {
        return MethodHandles.publicLookup()
            .findConstructor(type, MethodType.methodType(void.class, UUID.class));
      } catch (NoSuchMethodException | IllegalAccessException e) {
        throw new IllegalStateException(
            type.getName() + " must be a public record of one UUID to be read from a column", e);
      }
    }
  }
}
