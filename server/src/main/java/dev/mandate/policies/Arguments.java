package dev.mandate.policies;

import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import dev.mandate.kernel.rpc.JsonCodec;
import dev.mandate.rego.value.ArrayValue;
import dev.mandate.rego.value.BooleanValue;
import dev.mandate.rego.value.Json;
import dev.mandate.rego.value.NumberValue;
import dev.mandate.rego.value.ObjectValue;
import dev.mandate.rego.value.StringValue;
import dev.mandate.rego.value.Value;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** What a call is about to be made with; read only if somebody asks. */
public sealed interface Arguments {
  /** As JSON text, one object. */
  record Text(String json) implements Arguments {
    @Override
    public Value value() {
      return Json.parse(json);
    }

    @Override
    public int size() {
      return json.length();
    }
  }

  /**
   * As a request of the contract: every field by its JSON name, also where it is empty or zero (but
   * {@code optional} ones and messages only when set), 64-bit integers as numbers, enums by name.
   * Fields that hold secrets are left out.
   */
  record Request(Message message) implements Arguments {
    @Override
    public Value value() {
      return of(message);
    }

    @Override
    public int size() {
      return message.getSerializedSize();
    }

    private static Value of(Message message) {
      if (message.getDescriptorForType().getFullName().startsWith("google.protobuf.")) {
        // Timestamps, structs and the like have forms of their own.
        return Json.parse(JsonCodec.text(message));
      }
      ObjectValue.Builder object = ObjectValue.builder();
      for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
        if (field.getOptions().getDebugRedact()
            || (field.hasPresence() && !message.hasField(field))) {
          continue;
        }
        object.put(field.getJsonName(), of(field, message.getField(field)));
      }
      return object.build();
    }

    private static Value of(FieldDescriptor field, Object value) {
      if (field.isMapField()) {
        ObjectValue.Builder map = ObjectValue.builder();
        for (Object each : (List<?>) value) {
          Message entry = (Message) each;
          FieldDescriptor key = entry.getDescriptorForType().findFieldByNumber(1);
          FieldDescriptor item = entry.getDescriptorForType().findFieldByNumber(2);
          map.put(entry.getField(key).toString(), single(item, entry.getField(item)));
        }
        return map.build();
      }
      if (!field.isRepeated()) {
        return single(field, value);
      }
      List<Value> items = new ArrayList<>();
      for (Object each : (List<?>) value) {
        items.add(single(field, each));
      }
      return ArrayValue.of(items);
    }

    private static Value single(FieldDescriptor field, Object value) {
      return switch (field.getType()) {
        case UINT32, FIXED32 -> NumberValue.of(Integer.toUnsignedLong((Integer) value));
        case UINT64, FIXED64 -> NumberValue.of(new BigInteger(Long.toUnsignedString((Long) value)));
        case BYTES ->
            new StringValue(
                Base64.getEncoder()
                    .encodeToString(((com.google.protobuf.ByteString) value).toByteArray()));
        case ENUM -> new StringValue(((EnumValueDescriptor) value).getName());
        case BOOL -> BooleanValue.of((Boolean) value);
        case FLOAT, DOUBLE -> number(((Number) value).doubleValue());
        case MESSAGE, GROUP -> of((Message) value);
        case STRING -> new StringValue((String) value);
        default -> NumberValue.of(((Number) value).longValue());
      };
    }

    private static Value number(double value) {
      return Double.isFinite(value) ? Value.of(value) : new StringValue(Double.toString(value));
    }
  }

  Value value();

  /** About how many bytes it holds in memory. */
  int size();
}
