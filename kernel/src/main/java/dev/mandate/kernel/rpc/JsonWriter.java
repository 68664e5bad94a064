package dev.mandate.kernel.rpc;

import com.fasterxml.jackson.core.JsonGenerator;
import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Duration;
import com.google.protobuf.FieldMask;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.ListValue;
import com.google.protobuf.Message;
import com.google.protobuf.Struct;
import com.google.protobuf.Timestamp;
import com.google.protobuf.Value;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes messages as JSON. */
final class JsonWriter {
  private static final double MAX_EXACT = 1L << 53;

  private final JsonGenerator json;

  JsonWriter(JsonGenerator json) {
    this.json = json;
  }

  void message(Message message) throws IOException {
    message(message, null);
  }

  /**
   * @param mask which fields to write; null for all
   */
  void message(Message message, @Nullable Mask mask) throws IOException {
    Shape shape = Shape.of(message.getDescriptorForType());
    if (shape.special != Shape.Special.NONE) {
      special(message, shape);
      return;
    }
    json.writeStartObject();
    for (Shape.Field field : shape.fields) {
      if ((field.presence() && !message.hasField(field.descriptor()))
          || (mask != null && !mask.wants(field.descriptor()))) {
        continue;
      }
      Mask inner = mask == null ? null : mask.of(field.descriptor());
      json.writeFieldName(field.name());
      if (field.descriptor().isMapField()) {
        map((List<?>) message.getField(field.descriptor()));
      } else if (field.descriptor().isRepeated()) {
        json.writeStartArray();
        for (Object element : (List<?>) message.getField(field.descriptor())) {
          value(field.descriptor(), element, inner);
        }
        json.writeEndArray();
      } else {
        value(field.descriptor(), message.getField(field.descriptor()), inner);
      }
    }
    json.writeEndObject();
  }

  private void map(List<?> entries) throws IOException {
    json.writeStartObject();
    for (Object each : entries) {
      Message entry = (Message) each;
      FieldDescriptor key = entry.getDescriptorForType().findFieldByNumber(1);
      FieldDescriptor value = entry.getDescriptorForType().findFieldByNumber(2);
      json.writeFieldName(mapKey(key, entry.getField(key)));
      value(value, entry.getField(value), null);
    }
    json.writeEndObject();
  }

  private static String mapKey(FieldDescriptor field, Object key) {
    return switch (field.getType()) {
      case UINT32, FIXED32 -> Integer.toUnsignedString((Integer) key);
      case UINT64, FIXED64 -> Long.toUnsignedString((Long) key);
      default -> key.toString();
    };
  }

  private void value(FieldDescriptor field, Object value, @Nullable Mask mask) throws IOException {
    switch (field.getType()) {
      case INT32, SINT32, SFIXED32 -> json.writeNumber((Integer) value);
      case UINT32, FIXED32 -> json.writeNumber(Integer.toUnsignedLong((Integer) value));
      case INT64, SINT64, SFIXED64 -> json.writeString(Long.toString((Long) value));
      case UINT64, FIXED64 -> json.writeString(Long.toUnsignedString((Long) value));
      case BOOL -> json.writeBoolean((Boolean) value);
      case STRING -> json.writeString((String) value);
      case BYTES -> json.writeBinary(((ByteString) value).toByteArray());
      case ENUM -> {
        EnumValueDescriptor constant = (EnumValueDescriptor) value;
        if (constant.getIndex() < 0) {
          // A value that only a newer contract names: proto3 JSON keeps its number.
          json.writeNumber(constant.getNumber());
        } else {
          json.writeString(constant.getName());
        }
      }
      case FLOAT -> {
        float number = (Float) value;
        if (Float.isFinite(number)) {
          json.writeNumber(number);
        } else {
          json.writeString(Float.toString(number));
        }
      }
      case DOUBLE -> {
        double number = (Double) value;
        if (Double.isFinite(number)) {
          json.writeNumber(number);
        } else {
          json.writeString(Double.toString(number));
        }
      }
      case MESSAGE, GROUP -> message((Message) value, mask);
    }
  }

  private void special(Message message, Shape shape) throws IOException {
    switch (shape.special) {
      case TIMESTAMP ->
          json.writeString(Scalars.text(known(message, Timestamp.getDefaultInstance())));
      case DURATION ->
          json.writeString(Scalars.text(known(message, Duration.getDefaultInstance())));
      case FIELD_MASK ->
          json.writeString(Scalars.text(known(message, FieldMask.getDefaultInstance())));
      case STRUCT -> struct(known(message, Struct.getDefaultInstance()));
      case VALUE -> dynamic(known(message, Value.getDefaultInstance()));
      case LIST -> list(known(message, ListValue.getDefaultInstance()));
      case WRAPPER -> {
        FieldDescriptor inner = shape.fields.getFirst().descriptor();
        value(inner, message.getField(inner), null);
      }
      case UNSUPPORTED, NONE -> throw new IllegalStateException(shape.type.getFullName());
    }
  }

  /** The generated form of a well-known message, which may also be a dynamic one. */
  @SuppressWarnings("unchecked") // the class is checked, and the parser is the type's own
  private static <M extends Message> M known(Message message, M type) {
    if (type.getClass().isInstance(message)) {
      return (M) message;
    }
    try {
      return (M) type.getParserForType().parseFrom(message.toByteString());
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException(e);
    }
  }

  private void struct(Struct struct) throws IOException {
    json.writeStartObject();
    for (Map.Entry<String, Value> field : struct.getFieldsMap().entrySet()) {
      json.writeFieldName(field.getKey());
      dynamic(field.getValue());
    }
    json.writeEndObject();
  }

  private void list(ListValue list) throws IOException {
    json.writeStartArray();
    for (Value value : list.getValuesList()) {
      dynamic(value);
    }
    json.writeEndArray();
  }

  private void dynamic(Value value) throws IOException {
    switch (value.getKindCase()) {
      case NULL_VALUE, KIND_NOT_SET -> json.writeNull();
      case BOOL_VALUE -> json.writeBoolean(value.getBoolValue());
      case STRING_VALUE -> json.writeString(value.getStringValue());
      case STRUCT_VALUE -> struct(value.getStructValue());
      case LIST_VALUE -> list(value.getListValue());
      case NUMBER_VALUE -> {
        double number = value.getNumberValue();
        if (!Double.isFinite(number)) {
          throw new IllegalStateException("a Struct holds a number that JSON cannot write");
        }
        // What a caller wrote as 1 must come back as 1, not as 1.0.
        if (number == Math.rint(number) && Math.abs(number) <= MAX_EXACT) {
          json.writeNumber((long) number);
        } else {
          json.writeNumber(number);
        }
      }
    }
  }
}
