package dev.mandate.kernel.rpc;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import dev.mandate.kernel.Failure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The one JSON form of the contract's messages, for REST, Connect and Server-Sent Events.
 *
 * <p>It is proto3's JSON mapping with these choices. Written: lowerCamelCase names; lists, maps and
 * plain scalars always, also when empty or zero, so that a shape is stable; messages, {@code
 * optional} fields and members of a {@code oneof} only when set; 64-bit integers as strings; enums
 * by name; integral numbers of a {@code Struct} as integers. Read: names in lowerCamelCase or as in
 * the contract; numbers also as strings; {@code null} for "not given". Refused, with the place in
 * the message: unknown and doubled names, wrong types, values out of range, NUL characters and half
 * surrogate pairs, integers beyond 2^53 in a {@code Struct}, more than {@value #MAX_DEPTH} levels.
 */
public final class JsonCodec {
  static final int MAX_DEPTH = 64;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.CHARSET_DETECTION)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .enable(JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNumberLength(400)
                  .build())
          .build();

  private JsonCodec() {}

  /**
   * Reads a message.
   *
   * @throws Failure {@code INVALID_ARGUMENT}: {@code MALFORMED_JSON} with line and column, {@code
   *     UNKNOWN_FIELD} or {@code INVALID_FIELD} with the field's path
   */
  public static Message read(byte[] json, Message type) {
    Message.Builder target = type.newBuilderForType();
    merge(json, target, null);
    return target.build();
  }

  /** Reads a message from JSON text. */
  public static Message read(String json, Message type) {
    return read(json.getBytes(StandardCharsets.UTF_8), type);
  }

  /** Reads into a builder, or into one field of it. */
  static void merge(byte[] json, Message.Builder target, @Nullable FieldDescriptor into) {
    try (JsonParser parser = JSON.createParser(json)) {
      new JsonReader(parser).document(target, into);
    } catch (StreamConstraintsException e) {
      throw malformed(
          e, "nested deeper than " + MAX_DEPTH + " levels, or a number or name too long");
    } catch (JsonProcessingException e) {
      throw malformed(e, Failure.excerpt(e.getOriginalMessage().lines().findFirst().orElse("")));
    } catch (IOException e) {
      // Bytes that are not UTF-8 arrive here: an array has no other I/O to fail.
      throw Failure.of(
          Failure.Code.INVALID_ARGUMENT, "MALFORMED_JSON", "malformed JSON: not valid UTF-8");
    }
  }

  /** Writes a message as UTF-8. */
  public static byte[] bytes(Message message) {
    return bytes(message, null);
  }

  /** Writes the fields of a message that a mask names; all of them without one. */
  static byte[] bytes(Message message, @Nullable Mask mask) {
    try (ByteArrayBuilder out = new ByteArrayBuilder(512)) {
      try (JsonGenerator json = JSON.createGenerator(out)) {
        new JsonWriter(json).message(message, mask);
      }
      return out.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes a message as text. */
  public static String text(Message message) {
    return new String(bytes(message), StandardCharsets.UTF_8);
  }

  private static Failure malformed(JsonProcessingException cause, String problem) {
    JsonLocation at = cause.getLocation();
    String place = at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr();
    return Failure.of(
        Failure.Code.INVALID_ARGUMENT, "MALFORMED_JSON", "malformed JSON" + place + ": " + problem);
  }
}
