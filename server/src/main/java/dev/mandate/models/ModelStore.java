package dev.mandate.models;

import dev.mandate.kernel.db.Tx;
import dev.mandate.secrets.SecretId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.UUID;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The tables {@code models} and {@code model_defaults}. */
final class ModelStore {
  private ModelStore() {}

  static List<ModelRow> list(Tx tx) {
    return tx.sql()
        .createQuery(
            """
            select name, provider, base_url, remote_name, secret_id, input_price, output_price,
                   cached_input_price, cache_write_price, vision, version, created_at
            from models
            where org_id = :org
            order by created_at, name
            """)
        .bind("org", tx.org().value())
        .map(ModelStore::row)
        .list();
  }

  static @Nullable ModelRow find(Tx tx, String name) {
    return tx.sql()
        .createQuery(
            """
            select name, provider, base_url, remote_name, secret_id, input_price, output_price,
                   cached_input_price, cache_write_price, vision, version, created_at
            from models
            where org_id = :org and name = :name
            """)
        .bind("org", tx.org().value())
        .bind("name", name)
        .map(ModelStore::row)
        .findOne()
        .orElse(null);
  }

  /** False if the name is taken. */
  static boolean insert(Tx tx, ModelRow row) {
    return bind(
                tx,
                """
                insert into models (org_id, name, provider, base_url, remote_name, secret_id,
                  input_price, output_price, cached_input_price, cache_write_price, vision, created_at)
                values (:org, :name, :provider, :base_url, :remote_name, :secret_id,
                  :input, :output, :cached_input, :cache_write, :vision, :created_at)
                on conflict do nothing
                """,
                row)
            .bind("provider", row.provider().wireName())
            .bind("created_at", row.createdAt().atOffset(java.time.ZoneOffset.UTC))
            .execute()
        == 1;
  }

  /** False if the row is not at that version any more. */
  static boolean update(Tx tx, ModelRow row) {
    return bind(
                tx,
                """
                update models
                set base_url = :base_url, remote_name = :remote_name, secret_id = :secret_id,
                    input_price = :input, output_price = :output,
                    cached_input_price = :cached_input, cache_write_price = :cache_write,
                    vision = :vision, version = version + 1, updated_at = now()
                where org_id = :org and name = :name and version = :version
                """,
                row)
            .bind("version", row.version())
            .execute()
        == 1;
  }

  static boolean delete(Tx tx, String name) {
    return tx.sql()
            .createUpdate("delete from models where org_id = :org and name = :name")
            .bind("org", tx.org().value())
            .bind("name", name)
            .execute()
        == 1;
  }

  /** The chosen default's name; null if none was chosen. */
  static @Nullable String chosen(Tx tx) {
    return tx.sql()
        .createQuery("select name from model_defaults where org_id = :org")
        .bind("org", tx.org().value())
        .mapTo(String.class)
        .findOne()
        .orElse(null);
  }

  static void choose(Tx tx, String name) {
    tx.sql()
        .createUpdate(
            """
            insert into model_defaults (org_id, name) values (:org, :name)
            on conflict (org_id) do update set name = excluded.name, updated_at = now()
            """)
        .bind("org", tx.org().value())
        .bind("name", name)
        .execute();
  }

  private static org.jdbi.v3.core.statement.Update bind(Tx tx, String sql, ModelRow row) {
    ModelPrices prices = row.prices();
    return tx.sql()
        .createUpdate(sql)
        .bind("org", tx.org().value())
        .bind("name", row.name())
        .bind("base_url", row.baseUrl())
        .bind("remote_name", row.remoteName())
        .bindByType("secret_id", row.secret() == null ? null : row.secret().value(), UUID.class)
        .bindByType("input", prices == null ? null : prices.input(), Long.class)
        .bindByType("output", prices == null ? null : prices.output(), Long.class)
        .bindByType("cached_input", prices == null ? null : prices.cachedInput(), Long.class)
        .bindByType("cache_write", prices == null ? null : prices.cacheWrite(), Long.class)
        .bindByType("vision", row.vision(), Boolean.class);
  }

  private static ModelRow row(ResultSet rs, StatementContext context) throws SQLException {
    UUID secret = rs.getObject("secret_id", UUID.class);
    Long input = rs.getObject("input_price", Long.class);
    return new ModelRow(
        rs.getString("name"),
        Provider.parse("provider", rs.getString("provider")),
        rs.getString("base_url"),
        rs.getString("remote_name"),
        secret == null ? null : new SecretId(secret),
        input == null
            ? null
            : new ModelPrices(
                input,
                rs.getLong("output_price"),
                rs.getLong("cached_input_price"),
                rs.getLong("cache_write_price")),
        rs.getObject("vision", Boolean.class),
        rs.getLong("version"),
        rs.getObject("created_at", OffsetDateTime.class).toInstant());
  }
}
